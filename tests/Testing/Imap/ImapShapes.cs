namespace Posthorn.Tests.Testing.Imap;

/// <summary>Holds ENVELOPE and BODYSTRUCTURE against the grammar of RFC 9051 §9; throws where they do not follow it.</summary>
public static class ImapShapes
{
    public static void Envelope(ImapValue v)
    {
        Demand(v.List?.Count == 10, "envelope of ten", v);
        foreach (var i in (int[])[0, 1, 8, 9]) NString(v[i]);
        for (var i = 2; i < 8; i++) Addresses(v[i]);
    }

    static void Addresses(ImapValue v)
    {
        if (v.IsNil) return;
        Demand(v.List?.Count > 0, "a list of addresses", v);
        var inGroup = false;
        foreach (var a in v.List!)
        {
            Demand(a.List?.Count == 4, "address of four", a);
            foreach (var part in a.List!) NString(part);
            if (!a[3].IsNil) Demand(a[2].IsString, "a mailbox", a);
            else if (a[2].IsNil)
            {
                Demand(inGroup, "a group to end", v);
                inGroup = false;
            }
            else
            {
                Demand(!inGroup, "no group in a group", v);
                inGroup = true;
            }
        }
        Demand(!inGroup, "a group that ends", v);
        Demand(v.List!.Count <= 1001, "bounded", v);
    }

    /// <summary>Returns the number of parts.</summary>
    public static int Body(ImapValue v, bool extended)
    {
        Demand(v.List?.Count > 0, "a body", v);
        if (v[0].List is not null)
        {
            var children = v.List!.TakeWhile(c => c.List is not null).Count();
            var count = 1;
            for (var i = 0; i < children; i++) count += Body(v[i], extended);
            Demand(v.List!.Count == children + (extended ? 5 : 1), "multipart fields", v);
            Demand(v[children].IsString, "a subtype", v);
            if (extended)
            {
                Parameters(v[children + 1]);
                Rest(v, children + 2);
            }
            return count;
        }
        Demand(v[0].IsString && v[1].IsString && v[5].IsString, "type, subtype, encoding", v);
        Parameters(v[2]);
        NString(v[3]);
        NString(v[4]);
        Demand(v[6].Number >= 0, "size", v);
        var at = 7;
        var parts = 1;
        if (v[0].Text == "message" && v[1].Text is "rfc822" or "global")
        {
            Envelope(v[7]);
            parts += Body(v[8], extended);
            Demand(v[9].Number >= 0, "lines", v);
            at = 10;
        }
        else if (v[0].Text == "text")
        {
            Demand(v[7].Number >= 0, "lines", v);
            at = 8;
        }
        Demand(v.List!.Count == at + (extended ? 4 : 0), "as many fields as the type has", v);
        if (!extended) return parts;
        NString(v[at]);
        Rest(v, at + 1);
        return parts;
    }

    static void Rest(ImapValue v, int at)
    {
        if (!v[at].IsNil)
        {
            Demand(v[at].List?.Count == 2 && v[at][0].IsString, "disposition", v);
            Parameters(v[at][1]);
        }
        if (v[at + 1].List is { } tags) Demand(tags.Count > 0 && tags.All(t => t.IsString), "languages", v);
        else NString(v[at + 1]);
        NString(v[at + 2]);
    }

    static void Parameters(ImapValue v)
    {
        if (v.IsNil) return;
        Demand(v.List?.Count is > 0 and <= 400 && v.List.Count % 2 == 0 && v.List.All(p => p.IsString), "parameters", v);
    }

    static void NString(ImapValue v) => Demand(v.IsNil || v.IsString, "nstring", v);

    static void Demand(bool condition, string what, ImapValue v)
    {
        if (!condition) throw new FormatException($"not {what}: {v}");
    }
}

using System.Text;

namespace Posthorn.Imap.Grammar;

/// <summary>The arguments of ID (RFC 2971 §3.1): what a client says of itself. Null values are NIL.</summary>
sealed record IdArguments(IReadOnlyList<KeyValuePair<string, string?>> Fields)
{
    /// <summary>RFC 2971 §3.3.</summary>
    const int MostFields = 30, LongestName = 30, LongestValue = 1024;

    internal static IdArguments Read(ref ImapReader r)
    {
        var fields = new List<KeyValuePair<string, string?>>();
        if (!r.TryWord("NIL"u8))
        {
            r.Open();
            if (!r.TryClose())
            {
                do fields.Add(Field(ref r, fields.Count));
                while (r.TryTake((byte)' '));
                r.Close();
            }
        }
        r.End();
        return new IdArguments(fields);
    }

    static KeyValuePair<string, string?> Field(ref ImapReader r, int before)
    {
        if (before == MostFields) throw r.Bad("at most 30 fields");
        var name = r.String();
        if (name.Length > LongestName) throw r.Bad("a field name of at most 30 octets");
        r.SP();
        if (!r.TryNString(out var value)) return new(Encoding.UTF8.GetString(name), null);
        if (value.Length > LongestValue) throw r.Bad("a value of at most 1024 octets");
        return new(Encoding.UTF8.GetString(name), Encoding.UTF8.GetString(value));
    }
}

/// <summary>The arguments of ENABLE (RFC 9051 §6.3.1): capabilities in upper case.</summary>
sealed record EnableArguments(IReadOnlyList<string> Capabilities)
{
    internal static EnableArguments Read(ref ImapReader r)
    {
        var capabilities = new List<string>();
        do capabilities.Add(r.Keyword());
        while (r.TryTake((byte)' '));
        r.End();
        return new EnableArguments(capabilities);
    }
}

using System.Buffers;
using System.Globalization;
using System.Text;
using Posthorn.Imap.Access;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Mime.Sections;
using Posthorn.Storage;

namespace Posthorn.Imap.Extensions.Catenate;

/// <summary>
/// The URL of a message, or of a section of one, on this server (RFC 4469 §3, RFC 5092 §4):
/// <c>/mailbox[;UIDVALIDITY=n]/;UID=n[/;SECTION=…][/;PARTIAL=offset[.count]]</c>, or from <c>;UID=</c> on in the selected mailbox.
/// </summary>
sealed record MessageUrl(string? Mailbox, uint? UidValidity, uint Uid, Section Section, Partial? Partial)
{
    const int Piece = 32 << 10;

    /// <summary>Octets of a header whose chosen fields a URL can name: no message that was delivered has a larger one.</summary>
    const int MostFields = 1 << 20;

    /// <summary>Copies what a URL names into a body; false with the answer when that cannot be.</summary>
    internal static bool TryCopy(ImapSession session, string url, BlobWriter into, long most, out Reply refusal)
    {
        refusal = Reply.No("BADURL " + Shown(url), "nothing is there");
        if (!TryParse(url, out var parsed) || parsed.Open(session, session.Who!.AccountId) is not { } source) return false;
        using (source)
        {
            if (!parsed.TryRead(source, out var octets)) return false;
            if (octets.Length > most - into.Length)
            {
                refusal = Reply.No("TOOBIG", "the message is too large");
                return false;
            }
            if (!session.Store.HasRoomFor(octets.Length))
            {
                refusal = Reply.No("UNAVAILABLE", "there is no room at the moment");
                return false;
            }
            var buffer = new byte[Math.Min(Piece, Math.Max(1, octets.Length))];
            for (var at = 0L; at < octets.Length;)
            {
                var n = (int)Math.Min(buffer.Length, octets.Length - at);
                octets.Read(at, buffer.AsSpan(0, n));
                into.Write(buffer.AsSpan(0, n));
                at += n;
            }
            return true;
        }
    }

    /// <summary>The octets that the URL means of its message; false when the message has none such.</summary>
    internal bool TryRead(MessageSource source, out UrlOctets octets)
    {
        octets = default;
        var range = new OctetRange(0, source.Length);
        var whole = Section is { Path.Count: 0, What: SectionText.Whole };
        if (!whole && !SectionResolver.TryResolve(source.Root, source.PrefixLength, Section, out range)) return false;
        byte[]? made = null;
        if (Section.Fields is not null)
        {
            if (range.Length > MostFields) return false;
            made = Fields(source, range);
            range = new OctetRange(0, made.Length);
        }
        octets = new UrlOctets(source, Partial is { } partial ? range.Slice(partial.Offset, partial.Count) : range, made);
        return true;
    }

    /// <summary>The chosen fields of a header.</summary>
    byte[] Fields(MessageSource source, OctetRange header)
    {
        var filter = new HeaderFieldsFilter(Section.Fields!, Section.What == SectionText.HeaderFieldsNot);
        var text = new byte[header.Length];
        source.Read(header.Start, text);
        var fields = new ArrayBufferWriter<byte>(512);
        filter.Write(text, fields);
        filter.End(fields);
        return fields.WrittenSpan.ToArray();
    }

    /// <summary>The message as an account may read it; null when it is not there. Only the session's own client may leave out the mailbox.</summary>
    internal MessageSource? Open(ImapSession session, long account)
    {
        return session.Store.Read(unit =>
        {
            var mailbox = Mailbox is { } name ? MailboxAccess.Find(unit, account, name, Rights.Read).Mailbox
                : session.Selected is { } selected ? unit.Mailboxes.Get(selected.AccountId, selected.MailboxId) : null;
            if (mailbox is null || UidValidity is { } validity && validity != mailbox.UidValidity || unit.Places.Find(mailbox.Id, Uid) is not { } place) return null;
            return unit.Mailboxes.Load(mailbox.AccountId, [place.MessageId]) is [var row] ? new MessageSource(session.Store, row) : null;
        });
    }

    internal static bool TryParse(string url, out MessageUrl parsed)
    {
        parsed = new MessageUrl(null, null, 0, new Section([]), null);
        var uidAt = url.IndexOf(";UID=", StringComparison.OrdinalIgnoreCase);
        if (uidAt < 0) return false;
        var mailbox = url[..uidAt].TrimEnd('/');
        if (mailbox.Length > 0)
        {
            if (mailbox[0] != '/' || mailbox.StartsWith("//", StringComparison.Ordinal)) return false;
            var semicolon = mailbox.IndexOf(";UIDVALIDITY=", StringComparison.OrdinalIgnoreCase);
            if (semicolon >= 0)
            {
                if (!TryNumber(mailbox.AsSpan(semicolon + 13), out var validity) || validity > uint.MaxValue) return false;
                parsed = parsed with { UidValidity = (uint)validity };
                mailbox = mailbox[..semicolon];
            }
            parsed = parsed with { Mailbox = Uri.UnescapeDataString(mailbox[1..]) };
        }
        var parts = url[(uidAt + 5)..].Split('/');
        if (!TryNumber(parts[0], out var uid) || uid is 0 or > uint.MaxValue) return false;
        parsed = parsed with { Uid = (uint)uid };
        for (var i = 1; i < parts.Length; i++)
        {
            if (parts[i].StartsWith(";SECTION=", StringComparison.OrdinalIgnoreCase) && TrySection(Uri.UnescapeDataString(parts[i][9..]), out var section)) parsed = parsed with { Section = section };
            else if (parts[i].StartsWith(";PARTIAL=", StringComparison.OrdinalIgnoreCase) && TryPartial(parts[i][9..], out var partial)) parsed = parsed with { Partial = partial };
            else return false;
        }
        return true;
    }

    static bool TrySection(string text, out Section section)
    {
        section = new Section([]);
        try
        {
            var reader = new ImapReader(Encoding.UTF8.GetBytes($"[{text}]"), ImapLimits.User, utf8: true);
            section = SectionGrammar.Read(ref reader);
            return reader.AtEnd;
        }
        catch (BadSyntax) { return false; }
    }

    static bool TryPartial(string text, out Partial partial)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var count = long.MaxValue;
        partial = default;
        if (!TryNumber(dot < 0 ? text : text.AsSpan(0, dot), out var offset) || dot >= 0 && !TryNumber(text.AsSpan(dot + 1), out count)) return false;
        partial = new Partial(offset, count);
        return true;
    }

    static bool TryNumber(ReadOnlySpan<char> text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    /// <summary>The URL as a response code can hold it.</summary>
    static string Shown(string url) => string.Concat(url.Take(500).Select(static c => c is > ' ' and <= '~' and not (']' or '"' or '\\') ? c : '?')) is { Length: > 0 } shown ? shown : "?";
}

/// <summary>What a URL means: a range of its message, or octets made of it.</summary>
/// <param name="Range">In the message; with <paramref name="Made"/> in these.</param>
readonly record struct UrlOctets(MessageSource Source, OctetRange Range, byte[]? Made)
{
    internal long Length => Range.Length;

    internal void Read(long at, Span<byte> into)
    {
        if (Made is null) Source.Read(Range.Start + at, into);
        else Made.AsSpan((int)(Range.Start + at), into.Length).CopyTo(into);
    }
}

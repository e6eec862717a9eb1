using System.Globalization;
using System.Text;
using Posthorn.Storage.Messages;

namespace Posthorn.Transfer.Files;

/// <summary>
/// What header fields of an mbox tell of a message: Status, X-Status and X-Keywords as mutt and Dovecot write them, and before
/// them one of our own, by which a message comes back with every octet that it had.
/// </summary>
/// <param name="Validity">UIDVALIDITY of the mailbox it was in.</param>
/// <param name="Size">Octets of the message.</param>
/// <param name="Fields">How many of the fields behind it are not the message's own.</param>
/// <param name="AsIs">True: line ends in the file are those of the message; false: they stand for CRLF.</param>
sealed record MboxMark(uint Validity, uint Uid, long Size, DateTimeOffset Date, int Fields, bool AsIs)
{
    const string Name = "X-Posthorn-Message";

    const string DateForm = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    public static MboxMark? TryParse(ReadOnlySpan<byte> line)
    {
        if (!line.StartsWith("X-Posthorn-Message: "u8) || line.Length > 200) return null;
        var words = Encoding.Latin1.GetString(line[(Name.Length + 2)..]).Split(' ');
        return words.Length == 6 && uint.TryParse(words[0], out var validity) && uint.TryParse(words[1], out var uid) && long.TryParse(words[2], out var size) && size >= 0
            && DateTimeOffset.TryParseExact(words[3], DateForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            && int.TryParse(words[4], out var fields) && fields is >= 0 and <= 3 && words[5] is "crlf" or "as-is"
            ? new MboxMark(validity, uid, size, date, fields, words[5] == "as-is") : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}: {Validity} {Uid} {Size} {Date.UtcDateTime.ToString(DateForm, CultureInfo.InvariantCulture)} {Fields} {(AsIs ? "as-is" : "crlf")}");
}

/// <summary>Flags as fields of an mbox: those of mutt and Dovecot, and, to read, those of Thunderbird.</summary>
static class MboxStatus
{
    static readonly string[] NotOfTheMessage = ["Status", "X-Status", "X-Keywords", "X-UID", "X-IMAP", "X-IMAPbase", "Content-Length", "X-Mozilla-Status", "X-Mozilla-Status2", "X-Mozilla-Keys"];

    /// <summary>The letters of Status and X-Status.</summary>
    internal static readonly (char Letter, MessageFlags Flag)[] Letters =
    [
        ('R', MessageFlags.Seen), ('A', MessageFlags.Answered), ('F', MessageFlags.Flagged), ('T', MessageFlags.Draft), ('D', MessageFlags.Deleted),
    ];

    const MessageFlags WithLetter = MessageFlags.Seen | MessageFlags.Answered | MessageFlags.Flagged | MessageFlags.Draft | MessageFlags.Deleted;

    /// <summary>True for a field that programs add to messages in an mbox and take away again.</summary>
    public static bool IsAdded(ReadOnlySpan<byte> line, out string name)
    {
        name = "";
        var colon = line.IndexOf((byte)':');
        if (colon is <= 0 or > 20) return false;
        var text = Encoding.Latin1.GetString(line[..colon]).TrimEnd(' ', '\t');
        name = Array.Find(NotOfTheMessage, n => n.Equals(text, StringComparison.OrdinalIgnoreCase)) ?? "";
        return name.Length > 0;
    }

    /// <summary>The fields that tell of flags, each without its line end.</summary>
    public static List<string> Fields(MailFlags flags)
    {
        // O: no longer new to anybody, as it is with all that was in a mailbox.
        var fields = new List<string> { "Status: " + ((flags.Bits & MessageFlags.Seen) != 0 ? "RO" : "O") };
        var more = string.Concat(Letters.Skip(1).Where(l => (flags.Bits & l.Flag) != 0).Select(static l => l.Letter));
        if (more.Length > 0) fields.Add("X-Status: " + more);
        var names = string.Join(' ', flags.Names(WithLetter));
        if (names.Length > 0) fields.Add("X-Keywords: " + names);
        return fields;
    }
}

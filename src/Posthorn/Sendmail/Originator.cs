using System.Globalization;
using System.Text;
using Posthorn.Wire.Addresses;

namespace Posthorn.Sendmail;

/// <summary>Who a message is from, and the fields that say so when its writer left them out.</summary>
static class Originator
{
    /// <summary>The envelope's sender: null for the null sender.</summary>
    /// <param name="given">What -f said; null for nothing.</param>
    /// <param name="user">The login name of the caller.</param>
    public static EmailAddress? Sender(string? given, string user, string domain)
    {
        var address = given ?? user;
        if (address.Length > 0 && address[0] == '<' && address[^1] == '>') address = address[1..^1];
        if (address.Length == 0) return null;
        if (!address.Contains('@')) address += "@" + domain;
        return EmailAddress.TryParse(address) ?? throw new BadRecipientException(address);
    }

    /// <summary>Adds From, Date and Message-ID where they are missing (RFC 5322 §3.6; RFC 6409 §8), and takes Bcc out.</summary>
    /// <param name="name">The sender's name; null or empty for none.</param>
    public static void Complete(Letter letter, EmailAddress? sender, string? name, string host, TimeProvider time)
    {
        letter.Remove("Bcc");
        letter.Remove("Resent-Bcc");
        var from = sender?.ToString() ?? "MAILER-DAEMON@" + host;
        if (!letter.Has("From")) letter.Add("From", string.IsNullOrWhiteSpace(name) ? from : $"{Phrase(name)} <{from}>");
        if (!letter.Has("Date")) letter.Add("Date", time.GetUtcNow().ToString("ddd, d MMM yyyy HH:mm:ss '+0000'", CultureInfo.InvariantCulture));
        if (!letter.Has("Message-ID")) letter.Add("Message-ID", $"<{Guid.CreateVersion7(time.GetUtcNow()):N}@{host}>");
    }

    /// <summary>A name as a phrase (RFC 5322 §3.2.5), as an encoded word (RFC 2047 §2) when it is not ASCII.</summary>
    internal static string Phrase(string name)
    {
        name = string.Concat(name.Where(static c => !char.IsControl(c))).Trim();
        if (name.Length > 100) name = name[..100];
        if (!Ascii.IsValid(name)) return EncodedWords(name);
        return name.All(static c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '-' or '_' or '\'') ? name : "\"" + name.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\"";
    }

    /// <summary>Each encoded word has at most 75 characters and whole characters in it (RFC 2047 §2, §5).</summary>
    static string EncodedWords(string name)
    {
        const int most = 45;
        var words = new List<string>();
        var part = new StringBuilder();
        foreach (var rune in name.EnumerateRunes())
        {
            if (Encoding.UTF8.GetByteCount(part.ToString()) + rune.Utf8SequenceLength > most) Flush();
            part.Append(rune);
        }
        Flush();
        return string.Join("\r\n ", words);

        void Flush()
        {
            words.Add($"=?utf-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes(part.ToString()))}?=");
            part.Clear();
        }
    }
}

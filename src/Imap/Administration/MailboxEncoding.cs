using Posthorn.Imap.Grammar;

namespace Posthorn.Imap.Administration;

/// <summary>Mailbox names in modified UTF-7 (RFC 3501 §5.1.3), as other servers name their directories.</summary>
public static class MailboxEncoding
{
    /// <summary>The encoded form; US-ASCII.</summary>
    public static string Encode(string name) => ModifiedUtf7.Encode(name);

    /// <summary>The name that an encoded form stands for; null for what is no such form.</summary>
    public static string? TryDecode(string encoded) =>
        encoded.All(static c => c < 0x80) && ModifiedUtf7.TryDecode(System.Text.Encoding.ASCII.GetBytes(encoded), out var name) ? name : null;
}

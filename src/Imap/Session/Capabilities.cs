using Posthorn.Imap.Extensions;
using Posthorn.Wire.Sasl;

namespace Posthorn.Imap.Session;

/// <summary>What the server can do, for this client, now.</summary>
static class Capabilities
{
    /// <summary>The words in the order in which they are listed.</summary>
    internal static List<string> List(ImapSession session)
    {
        var words = new List<string>(40) { "IMAP4rev1", "IMAP4rev2" };
        if (session.Who is null) BeforeLogin(session, words);
        foreach (var extension in ImapExtension.All) extension.List(session, words);
        words.RemoveAll(word => IsOff(session, word));
        return words;
    }

    /// <summary>True for a capability that this client or account is not to have.</summary>
    internal static bool IsOff(ImapSession session, string word) =>
        session.Server.Options.SwitchedOff.Any(s => s.Takes(word, session.Who?.Address, session.Client));

    static void BeforeLogin(ImapSession session, List<string> words)
    {
        if (session.TlsOptions is not null) words.Add("STARTTLS");
        // RFC 9051 §6.2.3
        if (!session.MayLogIn) words.Add("LOGINDISABLED");
        foreach (var name in SaslMechanisms.Offered(session.Encrypted, session.MayLogIn, session.ChannelBindingData() is not null)) words.Add("AUTH=" + name);
    }

    /// <summary>The response code.</summary>
    internal static string Code(ImapSession session) => "CAPABILITY " + string.Join(' ', List(session));
}

using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Commands;

/// <summary>ENABLE (RFC 9051 §6.3.1, RFC 5161). What is not known, or needs no enabling, is passed over.</summary>
sealed class EnableCommand : ImapCommand
{
    static readonly Dictionary<string, Enabled> Known = new(StringComparer.Ordinal)
    {
        ["CONDSTORE"] = Enabled.CondStore,
        ["QRESYNC"] = Enabled.QResync,
        ["UTF8=ACCEPT"] = Enabled.Utf8,
        ["UIDONLY"] = Enabled.UidOnly,
        ["IMAP4REV2"] = Enabled.Rev2,
    };

    internal override string Verb => "ENABLE";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var wanted = Read(session, arguments);
        var all = Enabled.None;
        session.Out.Raw("* ENABLED"u8);
        foreach (var name in wanted.Distinct())
        {
            if (!Known.TryGetValue(name, out var what) || (session.Enabled & what) == what || Capabilities.IsOff(session, name)) continue;
            all |= what;
            session.Out.SP();
            session.Out.Raw(System.Text.Encoding.ASCII.GetBytes(name == "IMAP4REV2" ? "IMAP4rev2" : name));
        }
        session.Out.EndLine();
        // Behind that line: what comes with it may have lines of its own (RFC 7162 §3.1.2).
        if (all != Enabled.None) session.Enable(all);
        return new(Reply.Ok("ENABLE completed"));
    }

    static IReadOnlyList<string> Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return EnableArguments.Read(ref reader).Capabilities;
    }
}

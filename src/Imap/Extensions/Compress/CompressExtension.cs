using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Compress;

/// <summary>COMPRESS=DEFLATE (RFC 4978), after login: what is compressed then holds no password that a length could betray.</summary>
sealed class CompressExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new CompressCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null && !session.Connection.Compressed) words.Add("COMPRESS=DEFLATE");
    }
}

/// <summary>COMPRESS (RFC 4978 §3).</summary>
sealed class CompressCommand : ImapCommand
{
    internal override string Verb => "COMPRESS";

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        if (!IsDeflate(session, arguments)) return Reply.No(null, "DEFLATE is the only one there is");
        if (session.Connection.Compressed) return Reply.No("COMPRESSIONACTIVE", "DEFLATE is active already");
        // Nobody could say whether these octets are compressed.
        if (session.Connection.HasBufferedInput) return Reply.Bad("nothing may follow COMPRESS before its answer");
        session.Selected?.Tell(mayExpunge: true);
        session.Tagged("OK"u8, null, "DEFLATE active");
        await session.Connection.StartDeflateAsync().ConfigureAwait(false);
        return Reply.None;
    }

    static bool IsDeflate(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var name = reader.Keyword();
        reader.End();
        return name == "DEFLATE";
    }
}

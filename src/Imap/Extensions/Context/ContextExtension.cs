using System.Text;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Context;

/// <summary>CONTEXT=SEARCH and CONTEXT=SORT (RFC 5267 §4): results that the server keeps the client told of.</summary>
sealed class ContextExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new CancelUpdateCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.AddRange(["CONTEXT=SEARCH", "CONTEXT=SORT"]);
    }
}

/// <summary>CANCELUPDATE (RFC 5267 §4.3.5).</summary>
sealed class CancelUpdateCommand : ImapCommand
{
    internal override string Verb => "CANCELUPDATE";

    internal override When When => When.Selected;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var reader = arguments.Read(session);
        var tags = new List<string>();
        reader.SP();
        do tags.Add(Encoding.ASCII.GetString(reader.String()));
        while (reader.TryTake((byte)' '));
        reader.End();
        foreach (var tag in tags) session.Selected!.Contexts?.Cancel(tag);
        return new(Reply.Ok("no further updates"));
    }
}

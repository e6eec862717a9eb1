using Posthorn.Imap.Access;
using Posthorn.Imap.Commands;
using Posthorn.Imap.Extensions.Context;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Search;
using Posthorn.Imap.Session;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Extensions.MultiSearch;

/// <summary>MULTISEARCH (RFC 7377): one search over many mailboxes.</summary>
sealed class MultiSearchExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new MultiSearchCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.Add("MULTISEARCH");
    }
}

/// <summary>ESEARCH (RFC 7377 §2). What was found is told as UIDs, one response for each mailbox where anything was.</summary>
sealed class MultiSearchCommand : ImapCommand
{
    /// <summary>Mailboxes of one search.</summary>
    const int Most = 10_000;

    internal override string Verb => "ESEARCH";

    internal override When When => When.LoggedIn | When.KeepsNumbers;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var wanted = Read(session, arguments);
        var scopes = wanted.In ?? [new MailboxScope(MailboxFilter.Selected, [])];
        if (scopes.Any(static s => s.Filter == MailboxFilter.SelectedDelayed)) return Reply.Bad("SELECTED-DELAYED is for NOTIFY");
        var here = scopes.Any(static s => s.Filter == MailboxFilter.Selected);
        var options = wanted.Search.Return ?? new ReturnOptions(SearchReturn.All, null);
        if (here && session.Selected is null) return Reply.Bad("select a mailbox first");
        // RFC 7377 §2.2: what is saved or watched is of the selected mailbox.
        if ((options.Wanted & SearchReturn.Save) != 0 && scopes is not [{ Filter: MailboxFilter.Selected }]) return Reply.Bad("SAVE is for the selected mailbox alone");
        if ((options.Wanted & SearchReturn.Update) != 0 && !here) return Reply.Bad("UPDATE is for the selected mailbox");
        var key = wanted.Search.Key;
        session.Selected?.Tell(mayExpunge: false);
        if (SearchCommand.Refuses(session, session.Selected, wanted.Search.Return, wanted.Search.Charset, ref key) is { } refusal) return refusal;
        var mailboxes = session.Store.Read(unit => ScopeSet.Resolve(MailboxTree.Read(unit, session.Who!.AccountId), scopes).ToList());
        if (mailboxes.Count > Most) return Reply.No("LIMIT", "too many mailboxes");
        session.Progress.Expect(mailboxes.Count + 1);
        if (here) await HereAsync(session, session.Selected!, key, options, ct).ConfigureAwait(false);
        for (var i = 0; i < mailboxes.Count; i++)
        {
            await session.Progress.TellAsync(i, mailboxes.Count + 1).ConfigureAwait(false);
            var mailbox = mailboxes[i];
            if (mailbox.Id == session.Selected?.MailboxId)
            {
                if (!here) await AnswerAsync(session, session.Selected!, await MailboxSearch.RunAsync(session, session.Selected!, key, ct).ConfigureAwait(false), key, options, ct).ConfigureAwait(false);
            }
            else if (mailbox.Messages > 0) await ThereAsync(session, mailbox, key, options, ct).ConfigureAwait(false);
            if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
        }
        return Reply.Ok("ESEARCH completed");
    }

    static MultiSearchArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return MultiSearchArguments.Read(ref reader);
    }

    static async ValueTask HereAsync(ImapSession session, SelectedMailbox selected, SearchKey key, ReturnOptions options, CancellationToken ct)
    {
        var found = await MailboxSearch.RunAsync(session, selected, key, ct).ConfigureAwait(false);
        if ((options.Wanted & SearchReturn.Save) != 0) selected.Saved = SearchCommand.Kept(selected.Shown, found, options);
        await AnswerAsync(session, selected, found, key, options, ct).ConfigureAwait(false);
        if ((options.Wanted & SearchReturn.Update) != 0) SearchContexts.Add(session, key, byUid: true, found, null, options.News);
    }

    static async ValueTask ThereAsync(ImapSession session, Mailbox mailbox, SearchKey key, ReturnOptions options, CancellationToken ct)
    {
        using var looked = new SelectedMailbox(session, session.Server.Views.Take(mailbox.AccountId, mailbox.Id), mailbox.Name, mailbox.UidValidity, readOnly: true, Rights.Read);
        await AnswerAsync(session, looked, await MailboxSearch.RunAsync(session, looked, key, ct).ConfigureAwait(false), key, options, ct).ConfigureAwait(false);
    }

    static async ValueTask AnswerAsync(ImapSession session, SelectedMailbox mailbox, List<int> found, SearchKey key, ReturnOptions options, CancellationToken ct)
    {
        if (found.Count == 0) return;
        var scores = await SearchCommand.ScoresAsync(session, mailbox, key, found, options, ct).ConfigureAwait(false);
        SearchAnswer.Extended(session, mailbox, found, byUid: true, SearchCommand.AsksModSeq(key), options, scores, correlate: true);
    }
}

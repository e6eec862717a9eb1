using Posthorn.Imap.Access;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Quota;

/// <summary>QUOTA (RFC 9208): one root for each account, named after it.</summary>
sealed class QuotaExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new GetQuotaCommand(), new GetQuotaRootCommand(), new SetQuotaCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.AddRange(["QUOTA", "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE", "QUOTASET"]);
    }
}

/// <summary>GETQUOTA (RFC 9208 §4.1.1), of one's own root.</summary>
sealed class GetQuotaCommand : ImapCommand
{
    internal override string Verb => "GETQUOTA";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var root = reader.AStringText();
        reader.End();
        if (QuotaAnswer.Root(session, session.Who!.AccountId) != root) return new(Reply.No("NONEXISTENT", "there is no such quota root"));
        QuotaAnswer.Quota(session, session.Who!.AccountId);
        return new(Reply.Ok("GETQUOTA completed"));
    }
}

/// <summary>
/// GETQUOTAROOT (RFC 9208 §4.1.2); of a mailbox that is not there yet, too. Where nothing is limited no root is named: an
/// empty list of limits is allowed by §4.2.1 but not by the grammar, and Thunderbird takes it for a syntax error.
/// </summary>
sealed class GetQuotaRootCommand : ImapCommand
{
    internal override string Verb => "GETQUOTAROOT";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var name = Commands.OneName.Read(session, arguments);
        var account = session.Who!.AccountId;
        if (MailboxPlace.IsOther(name))
        {
            // RFC 9208 §6: what others have used is for those to know who may read.
            var found = session.Find(name, Rights.Read);
            if (found.Mailbox is not { } mailbox) return new(found.Refusal);
            account = mailbox.AccountId;
        }
        session.Out.Raw("* QUOTAROOT "u8);
        session.Out.Mailbox(name);
        var limited = QuotaAnswer.IsLimited(session, account);
        if (limited)
        {
            session.Out.SP();
            session.Out.String(QuotaAnswer.Root(session, account));
        }
        session.Out.EndLine();
        if (limited) QuotaAnswer.Quota(session, account);
        return new(Reply.Ok("GETQUOTAROOT completed"));
    }
}

/// <summary>SETQUOTA (RFC 9208 §4.1.3). Quotas are the administrator's, who has other tools.</summary>
sealed class SetQuotaCommand : ImapCommand
{
    internal override string Verb => "SETQUOTA";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var root = reader.AStringText();
        reader.SP();
        reader.Open();
        if (!reader.TryClose())
        {
            do
            {
                reader.Atom();
                reader.SP();
                reader.Number64();
            }
            while (reader.TryTake((byte)' '));
            reader.Close();
        }
        reader.End();
        if (QuotaAnswer.Root(session, session.Who!.AccountId) != root) return new(Reply.No("NONEXISTENT", "there is no such quota root"));
        QuotaAnswer.Quota(session, session.Who!.AccountId);
        return new(Reply.No("NOPERM", "the administrator sets quotas"));
    }
}

/// <summary>Responses of QUOTA (RFC 9208 §4.2).</summary>
static class QuotaAnswer
{
    /// <summary>STORAGE counts units of so many octets (RFC 9208 §5.1).</summary>
    const int Unit = 1024;

    internal static string Root(ImapSession session, long account) => session.Store.Read(unit => unit.Rights.Address(account)) is { } address ? "#user/" + address : "";

    /// <summary>Whether the account has any limit.</summary>
    internal static bool IsLimited(ImapSession session, long account) => session.Store.Read(unit => unit.Directory.Account(account)) is { HasQuota: true };

    /// <summary>What is used and allowed; an empty list where nothing is limited.</summary>
    internal static void Quota(ImapSession session, long account)
    {
        var output = session.Out;
        output.Raw("* QUOTA "u8);
        output.String(Root(session, account));
        output.Raw(" ("u8);
        if (session.Store.Read(unit => unit.Directory.Account(account)) is { } row)
        {
            if (row.Quota > 0) Resource(output, "STORAGE "u8, (row.Used + Unit - 1) / Unit, row.Quota / Unit);
            if (row is { Quota: > 0, MessageQuota: > 0 }) output.SP();
            if (row.MessageQuota > 0) Resource(output, "MESSAGE "u8, row.Messages, row.MessageQuota);
        }
        output.Raw(")\r\n"u8);
    }

    static void Resource(ResponseWriter output, ReadOnlySpan<byte> name, long used, long bound)
    {
        output.Raw(name);
        output.Number(used);
        output.SP();
        output.Number(bound);
    }
}

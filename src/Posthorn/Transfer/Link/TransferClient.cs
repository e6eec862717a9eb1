using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Storage.Messages;
using Posthorn.Verbs;

namespace Posthorn.Transfer.Link;

/// <summary>A mailbox as the other side tells of it.</summary>
sealed record RemoteMailbox(long Id, string Name, string? Use, bool Subscribed, uint UidValidity, long Messages, long Size);

/// <summary>A message that comes out of the store.</summary>
/// <param name="Error">Why it cannot be read; null when it can.</param>
sealed record OutgoingMail(uint Uid, long Size, DateTimeOffset Date, MailFlags Flags, string? Error);

/// <summary>A message that goes into the store.</summary>
/// <param name="Name">What it is called to the user: a file, or a place in one.</param>
/// <param name="Date">INTERNALDATE; null for now.</param>
sealed record IncomingMail(long Mailbox, string Name, MailFlags Flags, DateTimeOffset? Date)
{
    /// <summary>Which message of another server it is: a source's id, its UID and its flags there.</summary>
    public (long Import, uint Uid, string Flags)? Ledger { get; init; }
}

/// <summary>What became of messages so far.</summary>
sealed record Tally(long Added, long Known, long Octets, long Refused, IReadOnlyList<(string Name, string Error)> Refusals);

/// <summary>The side of a conversation that has the files. Every refusal of the other side is a <see cref="VerbException"/>.</summary>
sealed class TransferClient(LinkChannel channel) : IMailContent
{
    /// <param name="kind">What is imported from, for the story of each message; null for reading only.</param>
    /// <returns>The account's address in its one form.</returns>
    public async ValueTask<string> OpenAsync(string account, string? kind, CancellationToken ct)
    {
        channel.Write(new JsonObject { ["account"] = account, ["import"] = kind });
        return (string)(await AnswerAsync(ct).ConfigureAwait(false))["account"]!;
    }

    /// <summary>All mailboxes, and the names subscribed to that none of them has.</summary>
    public async ValueTask<(IReadOnlyList<RemoteMailbox> Mailboxes, IReadOnlyList<string> Subscriptions)> MailboxesAsync(CancellationToken ct)
    {
        channel.Write(new JsonObject { ["op"] = "mailboxes" });
        var answer = await AnswerAsync(ct).ConfigureAwait(false);
        return ([.. VerbJson.Items(answer, "mailboxes").Select(Mailbox)], [.. answer["subscriptions"]!.AsArray().Select(static n => (string)n!)]);
    }

    /// <summary>The mailbox of this name, or of this use when none has the name; made when there is neither.</summary>
    public async ValueTask<RemoteMailbox> EnsureAsync(string name, string? use, bool subscribed, CancellationToken ct)
    {
        channel.Write(new JsonObject { ["op"] = "mailbox", ["name"] = name, ["use"] = use, ["subscribed"] = subscribed });
        return Mailbox(await AnswerAsync(ct).ConfigureAwait(false));
    }

    /// <summary>Begins a message; its octets follow by <see cref="WriteAsync"/>, then <see cref="EndAsync"/>.</summary>
    public void Begin(IncomingMail mail)
    {
        var head = new JsonObject
        {
            ["op"] = "put",
            ["mailbox"] = mail.Mailbox,
            ["name"] = mail.Name,
            ["flags"] = (int)mail.Flags.Bits,
        };
        if (mail.Flags.Keywords.Count > 0) head["keywords"] = string.Join(' ', mail.Flags.Keywords);
        if (mail.Date is { } date) head["date"] = date.UtcTicks;
        if (mail.Ledger is { } ledger) (head["import"], head["uid"], head["seen"]) = (ledger.Import, ledger.Uid, ledger.Flags);
        channel.Write(head);
    }

    public ValueTask WriteAsync(ReadOnlySpan<byte> octets, CancellationToken ct)
    {
        channel.WriteChunk(octets);
        return channel.ShouldFlush ? channel.FlushAsync(ct) : default;
    }

    /// <param name="whole">False: it could not be read to its end and is not to be filed.</param>
    public ValueTask EndAsync(bool whole, CancellationToken ct)
    {
        channel.EndMessage(whole);
        return channel.ShouldFlush ? channel.FlushAsync(ct) : default;
    }

    /// <summary>Waits until all that was sent is durable.</summary>
    public async ValueTask<Tally> FlushAsync(CancellationToken ct)
    {
        channel.Write(new JsonObject { ["op"] = "flush" });
        var r = await AnswerAsync(ct).ConfigureAwait(false);
        return new Tally((long)r["added"]!, (long)r["known"]!, (long)r["octets"]!, (long)r["refused"]!, [.. VerbJson.Items(r, "refusals").Select(static o => ((string)o["name"]!, (string)o["error"]!))]);
    }

    /// <summary>Begins a folder of another server: its id, and what of it is here already by the flags it had.</summary>
    public async ValueTask<(long Import, IReadOnlyList<(string Flags, string Uids)> Known)> SourceAsync(string source, string folder, uint uidValidity, CancellationToken ct)
    {
        channel.Write(new JsonObject { ["op"] = "source", ["source"] = source, ["folder"] = folder, ["uidValidity"] = uidValidity });
        var r = await AnswerAsync(ct).ConfigureAwait(false);
        return ((long)r["import"]!, [.. VerbJson.Items(r, "known").Select(static o => ((string)o["flags"]!, (string)o["uids"]!))]);
    }

    /// <summary>Tells the flags that copied messages have at their source now; how many were changed here.</summary>
    public async ValueTask<long> FlagsAsync(long import, IEnumerable<(uint Uid, string Flags)> messages, CancellationToken ct)
    {
        channel.Write(new JsonObject { ["op"] = "flags", ["import"] = import, ["messages"] = VerbJson.List(messages.Select(static m => new JsonObject { ["uid"] = m.Uid, ["flags"] = m.Flags })) });
        return (long)(await AnswerAsync(ct).ConfigureAwait(false))["changed"]!;
    }

    /// <summary>Gets the messages of a mailbox behind a UID, in order. Each must be read to its end before the next one.</summary>
    /// <param name="take">Gets each message; those with an error have no content.</param>
    public async ValueTask ReadAsync(long mailbox, Func<OutgoingMail, IMailContent, ValueTask> take, CancellationToken ct)
    {
        var (after, more) = (0u, true);
        while (more)
        {
            channel.Write(new JsonObject { ["op"] = "get", ["mailbox"] = mailbox, ["after"] = after });
            await channel.FlushAsync(ct).ConfigureAwait(false);
            while (true)
            {
                var head = await channel.ReadAsync(ct).ConfigureAwait(false) ?? throw Gone();
                if (head["last"] is { } last)
                {
                    (after, more) = ((uint)last, (bool)head["more"]!);
                    break;
                }
                var mail = new OutgoingMail((uint)head["uid"]!, (long)head["size"]!, new DateTimeOffset((long)head["date"]!, TimeSpan.Zero),
                    MailFlags.OfStored((MessageFlags)(int)head["flags"]!, (string?)head["keywords"]), (string?)head["error"]);
                await take(mail, this).ConfigureAwait(false);
            }
        }
    }

    ValueTask<ReadOnlyMemory<byte>?> IMailContent.NextAsync(CancellationToken ct) => channel.ReadChunkAsync(ct);

    async ValueTask<JsonObject> AnswerAsync(CancellationToken ct)
    {
        await channel.FlushAsync(ct).ConfigureAwait(false);
        var answer = await channel.ReadAsync(ct).ConfigureAwait(false) ?? throw Gone();
        return answer["error"] is { } error ? throw new VerbException((int?)answer["exit"] ?? ExitCode.Software, (string)error!) : answer;
    }

    static LinkException Gone() => new("the running server ended the conversation");

    static RemoteMailbox Mailbox(JsonObject m) => new((long)m["id"]!, (string)m["name"]!, (string?)m["use"], (bool)m["subscribed"]!, (uint)m["uidValidity"]!, (long)m["messages"]!, (long)m["size"]!);
}

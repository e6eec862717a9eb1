using System.Globalization;
using System.Text.Json.Nodes;
using Posthorn.Accounts;
using Posthorn.Cli;
using Posthorn.Imap.Administration;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Verbs;

namespace Posthorn.Transfer.Link;

/// <summary>
/// The side of a conversation that has the store: in the running server behind the control socket, or in the command itself
/// when none runs. It opens no files for the other side: those are the other side's own.
/// </summary>
/// <remarks>
/// Each object has an "op". <c>open</c> names the account and comes first; <c>mailboxes</c> lists; <c>mailbox</c> makes sure
/// that one is there; <c>put</c> brings a message in chunks and is not answered; <c>flush</c> answers for all before it;
/// <c>get</c> asks for messages behind a UID; <c>source</c> and <c>flags</c> are for copying from other servers.
/// </remarks>
sealed class TransferHost(VerbContext context)
{
    /// <summary>The name by which such a conversation is asked for.</summary>
    public const string Verb = "transfer";

    static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(50);
    const int MostTries = 60;

    /// <summary>One answer to "get" has no more messages than this, and ends behind the message that brings it over so many octets.</summary>
    const int MostMessages = 500;
    const long MostOctets = 16 << 20;

    // Accounts that somebody is importing into: two at once would both find a message missing.
    static readonly System.Collections.Concurrent.ConcurrentDictionary<(MailStore, long), bool> Importing = new();

    /// <summary>Serves one conversation until the other side closes.</summary>
    public async Task RunAsync(Stream stream, CancellationToken ct)
    {
        using var channel = new LinkChannel(stream);
        var held = new List<(MailStore, long)>();
        try { await ConverseAsync(channel, held, ct).ConfigureAwait(false); }
        catch (LinkException) { } // the other side went away
        finally
        {
            foreach (var one in held) Importing.TryRemove(one, out _);
        }
    }

    async Task ConverseAsync(LinkChannel channel, List<(MailStore, long)> held, CancellationToken ct)
    {
        if (await channel.ReadAsync(ct).ConfigureAwait(false) is not { } hello) return;
        var account = 0L;
        var opening = await AnswerAsync(async () =>
        {
            var view = context.Accounts.Account((string?)hello["account"] ?? "");
            account = view.Id;
            if (hello["import"] is not null)
            {
                // One that has just ended may not be gone yet: its caller has his answer, and we have not seen him leave.
                for (var tries = 0; !Importing.TryAdd((context.Store, view.Id), true); tries++)
                {
                    if (tries == MostTries) throw new VerbException(ExitCode.TemporaryFailure, $"another import into {view.Address} is going on");
                    await Task.Delay(BetweenTries, context.Time, ct).ConfigureAwait(false);
                }
                held.Add((context.Store, view.Id));
            }
            return new JsonObject { ["account"] = view.Address };
        }).ConfigureAwait(false);
        await SayAsync(channel, opening, ct).ConfigureAwait(false);
        if (opening["error"] is not null) return;
        await using var importer = new Importer(context, account, (string?)hello["import"] ?? "");
        while (await channel.ReadAsync(ct).ConfigureAwait(false) is { } request)
        {
            switch ((string?)request["op"])
            {
                case "put":
                    await importer.PutAsync(request, channel, ct).ConfigureAwait(false);
                    continue;
                case "get":
                    await GetAsync(channel, account, (long)request["mailbox"]!, (uint)request["after"]!, ct).ConfigureAwait(false);
                    continue;
                default:
                    await SayAsync(channel, await AnswerAsync(() => OneAsync(request, account, importer, ct)).ConfigureAwait(false), ct).ConfigureAwait(false);
                    continue;
            }
        }
    }

    async ValueTask<JsonObject> OneAsync(JsonObject request, long account, Importer importer, CancellationToken ct)
    {
        switch ((string?)request["op"])
        {
            case "mailboxes":
                return context.Store.Read(unit => new JsonObject
                {
                    ["mailboxes"] = VerbJson.List(unit.Mailboxes.List(account).Select(Of)),
                    ["subscriptions"] = VerbJson.Texts(unit.Subscriptions.Names(account)),
                });
            case "mailbox":
                var (name, use, subscribed) = ((string?)request["name"] ?? "", (string?)request["use"], (bool?)request["subscribed"] ?? true);
                return Of(await context.Store.WriteAsync(unit => Ensure(unit, account, name, use, subscribed), ct).ConfigureAwait(false));
            case "flush":
                return await importer.FlushAsync().ConfigureAwait(false);
            case "source":
                return await importer.BeginSourceAsync((string)request["source"]!, (string)request["folder"]!, (uint)request["uidValidity"]!, ct).ConfigureAwait(false);
            case "flags":
                return await importer.SetFlagsAsync((long)request["import"]!, request["messages"]!.AsArray(), ct).ConfigureAwait(false);
            default:
                throw new VerbException(ExitCode.Usage, $"the running server knows no transfer operation \"{request["op"]}\"");
        }
    }

    /// <summary>The mailbox of this name; without one, that of the use, if it is named; else it is made.</summary>
    static Mailbox Ensure(WriteUnit unit, long account, string name, string? use, bool subscribed)
    {
        name = MailboxAdmin.Normal(name);
        if (unit.Mailboxes.Find(account, name) is { } there) return there;
        var role = use is null ? MailboxRole.None : MailboxAdmin.RoleOf(use);
        if (role != MailboxRole.None && unit.Mailboxes.List(account).FirstOrDefault(m => m.Role == role) is { } same) return same;
        if (MailboxAdmin.Create(unit, account, name, role) is { } refusal) throw new VerbException(ExitCode.DataError, refusal);
        var made = unit.Mailboxes.Find(account, name)!;
        if (!subscribed) unit.Mailboxes.Subscribe(account, made.Id, false);
        return made;
    }

    async Task GetAsync(LinkChannel channel, long account, long mailbox, uint after, CancellationToken ct)
    {
        var octets = 0L;
        var more = false;
        var places = context.Store.Read(u => u.Mailboxes.Placements(account, mailbox, after + 1, MostMessages));
        var last = after;
        for (var i = 0; i < places.Count && !more; i++)
        {
            var place = places[i];
            last = place.Uid;
            using var source = StoredMail.Open(context.Store, account, place, out var trouble);
            channel.Write(new JsonObject
            {
                ["uid"] = place.Uid,
                ["size"] = place.Size,
                ["date"] = place.Received.UtcTicks,
                ["flags"] = (int)place.Flags,
                ["keywords"] = place.Keywords,
                ["error"] = trouble,
            });
            if (source is null) continue;
            while (await source.NextAsync(ct).ConfigureAwait(false) is { Length: > 0 } chunk)
            {
                channel.WriteChunk(chunk.Span);
                if (channel.ShouldFlush) await channel.FlushAsync(ct).ConfigureAwait(false);
            }
            channel.EndMessage(whole: true);
            octets += place.Size;
            more = octets > MostOctets;
        }
        await SayAsync(channel, new JsonObject { ["last"] = last, ["more"] = more || places.Count == MostMessages }, ct).ConfigureAwait(false);
    }

    static JsonObject Of(Mailbox m) => new()
    {
        ["id"] = m.Id,
        ["name"] = m.Name,
        ["use"] = MailboxAdmin.UseOf(m.Role),
        ["subscribed"] = m.Subscribed,
        ["uidValidity"] = m.UidValidity,
        ["messages"] = m.Messages,
        ["size"] = m.Size,
    };

    static async ValueTask SayAsync(LinkChannel channel, JsonObject answer, CancellationToken ct)
    {
        channel.Write(answer);
        await channel.FlushAsync(ct).ConfigureAwait(false);
    }

    static async ValueTask<JsonObject> AnswerAsync(Func<ValueTask<JsonObject>> work)
    {
        try { return await work().ConfigureAwait(false); }
        catch (VerbException e) { return VerbRunner.Failure(e.Exit, e.Message); }
        catch (AccountRefusal e) { return VerbRunner.Failure(e.Code == "not-found" ? ExitCode.NoUser : ExitCode.DataError, e.Message); }
        catch (StorePoisonedException e) { return VerbRunner.Failure(ExitCode.IoError, e.Message); }
        catch (StoreException e) { return VerbRunner.Failure(e is StoreFullException ? ExitCode.TemporaryFailure : ExitCode.DataError, e.Message); }
    }

    /// <summary>UIDs as IMAP writes sets of them, ascending: many are few words.</summary>
    internal static string SetOf(IEnumerable<uint> ascending)
    {
        var text = new System.Text.StringBuilder();
        (uint First, uint Last)? run = null;
        foreach (var uid in ascending)
        {
            if (run is { } r && uid == r.Last + 1) run = (r.First, uid);
            else
            {
                Close();
                run = (uid, uid);
            }
        }
        Close();
        return text.ToString();

        void Close()
        {
            if (run is not { } r) return;
            if (text.Length > 0) text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"{r.First}");
            if (r.Last > r.First) text.Append(CultureInfo.InvariantCulture, $":{r.Last}");
        }
    }
}

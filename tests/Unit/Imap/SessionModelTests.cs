using System.Globalization;
using Posthorn.Tests.Unit.Imap.Model;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>
/// Eight sessions on one mailbox do things at random, are cut off, and see the server start anew. Each client keeps its picture
/// only by what it is told; whenever it asks by NOOP, the picture is the mailbox, and the mailbox is what the model foresaw
/// (promise 21). IMAP_MODEL_STEPS=n takes more operations, IMAP_MODEL_SEED=n other ones.
/// </summary>
public class SessionModelTests
{
    /// <summary>Clients of four kinds: those that ask for nothing, and those that want change numbers, VANISHED, or revision 2.</summary>
    static readonly string[] Kinds = ["", "QRESYNC", "CONDSTORE", "QRESYNC", "IMAP4rev2", "QRESYNC", "", "CONDSTORE"];

    static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    static int Seed(int otherwise) => Setting("IMAP_MODEL_SEED", otherwise);

    [Fact]
    public async Task Every_picture_is_the_mailbox_that_the_model_foresaw()
    {
        var steps = Setting("IMAP_MODEL_STEPS", 100_000);
        var random = new Random(Seed(1));
        await using var room = await MailRoom.OpenAsync(inMemory: true);
        var model = new MailboxModel(foresees: true);
        var clients = await ClientsAsync(room, model, random);
        for (var step = 1; step <= steps; step++)
        {
            var client = clients[random.Next(clients.Length)];
            await client.ActAsync(step);
            if (step % 7 == 0) await client.SyncAsync(random.Next(8) == 0 ? "CHECK" : "NOOP");
            if (step % 97 == 0) await client.DropAsync();
            if (step % 2003 == 0) await RestartAsync(room, clients);
        }
        await EndAsync(clients);
    }

    [Fact]
    public async Task Every_picture_is_the_mailbox_when_all_act_at_the_same_moment()
    {
        var waves = Setting("IMAP_MODEL_STEPS", 20_000) / Kinds.Length / 3;
        await using var room = await MailRoom.OpenAsync(inMemory: true);
        var model = new MailboxModel(foresees: false);
        var clients = await ClientsAsync(room, model, new Random(Seed(2)));
        for (var wave = 1; wave <= waves; wave++)
        {
            await Task.WhenAll(clients.Select(client => Task.Run(async () =>
            {
                for (var n = 0; n < 3; n++) await client.ActAsync(wave);
            })));
            foreach (var client in clients) await client.SyncAsync();
            if (wave % 31 == 0) await clients[wave % clients.Length].DropAsync();
            if (wave % 211 == 0) await RestartAsync(room, clients);
        }
        await EndAsync(clients);
    }

    static async Task<ModelClient[]> ClientsAsync(MailRoom room, MailboxModel model, Random random)
    {
        // A source of its own for each: they may act at the same moment.
        ModelClient[] clients = [.. Kinds.Select(kind => new ModelClient(room, model, new Random(random.Next()), kind))];
        foreach (var client in clients) await client.ConnectAsync();
        return clients;
    }

    static async Task RestartAsync(MailRoom room, ModelClient[] clients)
    {
        foreach (var client in clients) await client.LeaveAsync();
        await room.RestartAsync();
        foreach (var client in clients) await client.ConnectAsync();
    }

    static async Task EndAsync(ModelClient[] clients)
    {
        foreach (var client in clients)
        {
            await client.SyncAsync();
            await client.LeaveAsync();
        }
    }
}

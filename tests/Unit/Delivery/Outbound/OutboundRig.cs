using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Outbound;
using Posthorn.Delivery.Queue;
using Posthorn.Dns;
using Posthorn.Storage;
using Posthorn.Storage.Queue;
using Posthorn.Tests.Testing.Time;
using Posthorn.Tests.Unit.Storage;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Outbound;

/// <summary>One store for the tests of a class: bodies only.</summary>
public sealed class OutboundStore : IAsyncLifetime
{
    internal StoreRig Rig { get; private set; } = null!;
    internal X509Certificate2 Certificate { get; } = ScriptedPeer.Certificate("mx1.peer.example");
    internal X509Certificate2 OtherCertificate { get; } = ScriptedPeer.Certificate("other.example");

    public async ValueTask InitializeAsync() => Rig = await StoreRig.OpenAsync();

    internal async Task<BlobLocation> KeepAsync(byte[] text)
    {
        await using var blob = Rig.Store.NewBlob();
        blob.Write(text);
        await blob.SealAsync();
        return await Rig.Store.WriteAsync(u => u.Store(blob));
    }

    public async ValueTask DisposeAsync() => await Rig.DisposeAsync();
}

/// <summary>Notes what an agent tells at once.</summary>
sealed class NotedJournal : IDeliveryJournal
{
    readonly List<string> _notes = [];
    public IReadOnlyList<string> Notes { get { lock (_notes) return [.. _notes]; } }
    public void DotSent(IReadOnlyList<LeasedRecipient> recipients) { lock (_notes) _notes.Add("dot " + string.Join(',', recipients.Select(r => r.Address))); }
    public void Taken(LeasedRecipient recipient, string reply) { lock (_notes) _notes.Add($"taken {recipient.Address}: {reply}"); }
}

/// <summary>
/// A real agent with the real client, a clock that the test moves, a DNS out of a table, and two scripted servers on loopback
/// sockets: mx1.peer.example (127.0.0.1) is the better host of peer.example, mx2.peer.example (127.0.0.2) the other.
/// </summary>
sealed class OutboundRig : IAsyncDisposable
{
    const string PlainText = "From: a@sender.example\r\nSubject: hi\r\n\r\nhello\r\n";

    readonly OutboundStore _store;
    readonly Connector _connector;

    public OutboundRig(OutboundStore store, string first = "good", string second = "good", bool lmtp = false, X509Certificate2? certificate = null, Func<QueueOptions, QueueOptions>? options = null)
    {
        _store = store;
        (First, Second) = Listen(p => new ScriptedPeer(p, first, lmtp) { Shown = certificate, Clock = Clock.GetUtcNow }, p => new ScriptedPeer(p, second, lmtp) { Shown = certificate, Clock = Clock.GetUtcNow });
        Dns.Mx("peer.example", (20, "mx2.peer.example"), (10, "mx1.peer.example"));
        Dns.Host("mx1.peer.example", "127.0.0.1");
        Dns.Host("mx2.peer.example", "127.0.0.2");
        var chosen = new QueueOptions { Hostname = "us.example", Port = First.Port, PrivateNetworks = [IPNetwork.Parse("127.0.0.0/8")] };
        _connector = new Connector(Clock);
        Agent = new DeliveryAgent(Dns, store.Rig.Store, _connector, options?.Invoke(chosen) ?? chosen, new Random(7), Clock, Log);
    }

    public FakeTimeProvider Clock { get; } = new();
    public FakeResolver Dns { get; } = new();
    public LogLines Log { get; } = new();
    public NotedJournal Journal { get; } = new();
    public ScriptedPeer First { get; }
    public ScriptedPeer Second { get; }
    public DeliveryAgent Agent { get; }

    /// <summary>Both at one port, which is whatever the kernel gives to the first.</summary>
    public static (ScriptedPeer, ScriptedPeer) Listen(Func<IPEndPoint, ScriptedPeer> first, Func<IPEndPoint, ScriptedPeer> second)
    {
        for (var tries = 0; ; tries++)
        {
            var one = first(new IPEndPoint(IPAddress.Loopback, 0));
            try
            {
                return (one, second(new IPEndPoint(IPAddress.Parse("127.0.0.2"), one.Port)));
            }
            catch (SocketException) when (tries < 20)
            {
                one.Close();
            }
        }
    }

    public static Route Route(Transport transport, RouteSettings? settings = null) => new(7, RouteKind.Recipient, "peer.example", transport, settings ?? new RouteSettings(), "peer.example");

    public async Task<DeliveryJob> JobAsync(string[]? to = null, byte[]? text = null, Route? route = null, string body = "7BIT", bool smtpUtf8 = false, int attempts = 1, string from = "a@sender.example", string prefix = "Received: by us.example\r\n")
    {
        var location = await _store.KeepAsync(text ?? Encoding.UTF8.GetBytes(PlainText));
        var message = new QueuedMessage(1, _store.Rig.Store.NewTraceId(), from, location, Encoding.ASCII.GetBytes(prefix), 0, body, smtpUtf8, null, null, location.Length + prefix.Length, Clock.GetUtcNow(), SenderTrust.Proven);
        var recipients = (to ?? ["x@peer.example"]).Select((a, i) => new LeasedRecipient(i + 1, 1, a, a, null, null, attempts, "test", 1, null, null)).ToList();
        return new(message, recipients, route ?? RouteBook.Mx, "peer.example", Journal);
    }

    /// <summary>Delivers; the clock moves as long as a peer keeps us waiting.</summary>
    public async Task<DeliveryReport> DeliverAsync(DeliveryJob job)
    {
        var delivery = Agent.DeliverAsync(job, TestContext.Current.CancellationToken).AsTask();
        while (!delivery.IsCompleted)
        {
            await Task.WhenAny(delivery, Task.Delay(5, TestContext.Current.CancellationToken));
            if (First.Stalled || Second.Stalled) Clock.Advance(TimeSpan.FromSeconds(10));
            else if (First.Dripping || Second.Dripping) Clock.Advance(TimeSpan.FromSeconds(1));
        }
        var report = await delivery;
        report.Results.Select(r => r.Recipient).ShouldBe(job.Recipients);
        return report;
    }

    public async ValueTask DisposeAsync()
    {
        await Agent.DisposeAsync();
        await First.DisposeAsync();
        await Second.DisposeAsync();
        _connector.Dispose();
    }
}

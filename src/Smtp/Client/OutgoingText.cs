using Posthorn.Smtp.Server;
using Posthorn.Wire.Lines;

namespace Posthorn.Smtp.Client;

/// <summary>
/// The text of a message on its way out, as a dot-stuffed block or in chunks, watched octet by octet: where it holds what
/// must not be sent the connection is cut before the end, so that nobody takes a piece for the whole.
/// </summary>
sealed class OutgoingText(ClientWire wire, SmtpOutgoing message)
{
    /// <summary>So much goes to the connection between two looks at what is buffered there.</summary>
    const int Piece = 32 * 1024;

    const int MaxChunk = 1 << 20;

    LineCheck _check = new();
    long _sent;

    bool IsBinary => message.Body == BodyType.BinaryMime;

    /// <summary>Sends everything up to the dot line. Null when that is on its way, else what stopped it.</summary>
    internal async ValueTask<Answer?> SendDottedAsync(CancellationTokenRegistration cancellation, CancellationToken ct)
    {
        wire.Connection.WriteTimeout = wire.Timeouts.Block;
        var dot = new DotWriter(wire.Connection);
        while (_sent < message.Content.Length)
        {
            var octets = await NextAsync(message.Content.Length, ct).ConfigureAwait(false);
            if (octets.IsEmpty) return Bad("it ends early");
            for (; !octets.IsEmpty; octets = octets[Math.Min(Piece, octets.Length)..])
            {
                var piece = octets[..Math.Min(Piece, octets.Length)];
                if (!_check.Take(piece.Span)) return Bad(BareControl);
                dot.Write(piece.Span);
                if (!await FlushedAsync(ct).ConfigureAwait(false)) return await StoppedAsync(ct).ConfigureAwait(false);
            }
        }
        if (!_check.MayEnd) return Bad(BareControl);
        await EndAsync(cancellation, ct).ConfigureAwait(false);
        dot.End();
        return null;
    }

    /// <summary>
    /// Sends everything in chunks (RFC 3030 §2), each answered before the next: a server that refuses the first is not sent
    /// the rest. Null when the last is on its way, else what stopped it.
    /// </summary>
    internal async ValueTask<Answer?> SendChunksAsync(CancellationTokenRegistration cancellation, CancellationToken ct)
    {
        wire.Connection.WriteTimeout = wire.Timeouts.Block;
        while (true)
        {
            var size = Math.Min(MaxChunk, message.Content.Length - _sent);
            var end = _sent + size;
            var last = end == message.Content.Length;
            wire.Command(last ? $"BDAT {size} LAST" : $"BDAT {size}");
            while (_sent < end)
            {
                var octets = await NextAsync(end, ct).ConfigureAwait(false);
                if (octets.IsEmpty) return Bad("it ends early");
                for (; !octets.IsEmpty; octets = octets[Math.Min(Piece, octets.Length)..])
                {
                    var piece = octets[..Math.Min(Piece, octets.Length)];
                    if (!IsBinary && !_check.Take(piece.Span)) return Bad(BareControl);
                    wire.Connection.Write(piece.Span);
                    // The last octets wait for the word that they go.
                    if (last && _sent == end && piece.Length == octets.Length) break;
                    if (!await FlushedAsync(ct).ConfigureAwait(false)) return await StoppedAsync(ct).ConfigureAwait(false);
                }
            }
            if (last) break;
            var answer = await wire.ReplyAsync(SmtpStage.Text, wire.Timeouts.Block).ConfigureAwait(false);
            ct.ThrowIfCancellationRequested();
            if (answer.Reply is not { Code: < 300 }) return answer.Reply is { Positive: true } odd ? wire.Garbage(SmtpStage.Text, SmtpWords.Of(odd)) : answer;
        }
        if (!_check.MayEnd) return Bad(BareControl);
        await EndAsync(cancellation, ct).ConfigureAwait(false);
        return null;
    }

    const string BareControl = "it holds a bare CR, LF or NUL";

    async ValueTask<ReadOnlyMemory<byte>> NextAsync(long end, CancellationToken ct)
    {
        var octets = await message.Content.ReadAsync(_sent, ct).ConfigureAwait(false);
        if (octets.Length > end - _sent) octets = octets[..(int)(end - _sent)];
        _sent += octets.Length;
        return octets;
    }

    async ValueTask<bool> FlushedAsync(CancellationToken ct)
    {
        if (!wire.Connection.ShouldFlush) return true;
        await wire.Connection.FlushAsync().ConfigureAwait(false);
        ct.ThrowIfCancellationRequested();
        return !wire.Connection.WriteFailed;
    }

    /// <summary>From here on the peer may have the message: nothing breaks it off any more.</summary>
    async ValueTask EndAsync(CancellationTokenRegistration cancellation, CancellationToken ct)
    {
        await cancellation.DisposeAsync().ConfigureAwait(false); // waits for an abort under way
        ct.ThrowIfCancellationRequested();
        message.DotSent?.Invoke();
    }

    Answer Bad(string what)
    {
        wire.Connection.Abort(); // what is buffered must not go out either
        return new(null, wire.Break(SmtpStage.Text, SmtpFailureKind.BadContent, "the message cannot be sent: " + what));
    }

    /// <summary>The peer takes no more. It may have said why before it closed; good words are none.</summary>
    async ValueTask<Answer> StoppedAsync(CancellationToken ct)
    {
        var timedOut = wire.Connection.TimedOut;
        var answer = await wire.ReplyAsync(SmtpStage.Text, wire.Timeouts.Quit).ConfigureAwait(false);
        ct.ThrowIfCancellationRequested();
        var failure = timedOut
            ? wire.Break(SmtpStage.Text, SmtpFailureKind.Timeout, $"the server took none of the text for {wire.Timeouts.Block.TotalSeconds:0} s")
            : wire.Break(SmtpStage.Text, SmtpFailureKind.Closed, "the connection was closed while the text was sent");
        return answer.Reply is { Positive: false } ? answer : new(null, failure);
    }
}

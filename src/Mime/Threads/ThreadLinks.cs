using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Posthorn.Mime.Envelopes;
using Posthorn.Mime.Headers;
using Posthorn.Mime.Structure;

namespace Posthorn.Mime.Threads;

/// <summary>
/// What makes messages one thread (RFC 8621 §3): they name the same message id, and their subjects are the same but for what
/// replying has put around them. Both go into one number, so that two messages are of a thread when they have a number in common.
/// </summary>
public static class ThreadLinks
{
    /// <summary>Ids that a message is tied to besides its own: the first one and the last ones (RFC 5537 §3.4.4 trims so).</summary>
    const int Most = 9;

    /// <summary>Letters of a subject that count.</summary>
    const int MostSubject = 200;

    /// <summary>The numbers of a message: its own first, then from the nearest of those that it refers to, then the farthest. Empty when it names none.</summary>
    /// <param name="structure">As stored.</param>
    /// <param name="message">The message, or its beginning; for References, which no envelope has.</param>
    public static long[] Of(ReadOnlySpan<byte> structure, ReadOnlySpan<byte> message)
    {
        if (!TryEnvelope(structure, out var envelope)) return [];
        var ids = new List<string>();
        if (MessageIdList.Read(envelope.MessageId) is [var own, ..]) ids.Add(own);
        var named = MessageIdList.Read(References(message));
        // RFC 5256 §3: only the first of In-Reply-To, whose other ids may be addresses.
        if (MessageIdList.Read(envelope.InReplyTo) is [var parent, ..] && !named.Contains(parent)) named.Add(parent);
        for (var i = named.Count - 1; i > 0 && i >= named.Count - (Most - 1); i--) ids.Add(named[i]);
        if (named.Count > 0) ids.Add(named[0]);
        if (ids.Count == 0) return [];
        var subject = BaseSubject.Of(envelope.Subject).Text;
        var end = "\n" + (subject.Length > MostSubject ? subject[..MostSubject] : subject).ToUpperInvariant();
        return [.. ids.Select(id => Number(id + end)).Distinct()];
    }

    static bool TryEnvelope(ReadOnlySpan<byte> structure, out Envelope envelope)
    {
        envelope = null!;
        if (structure.IsEmpty) return false;
        try
        {
            if (!StoredStructure.TryTexts(structure, out var text, out _)) return false;
            envelope = Envelope.Parse(text);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    static string References(ReadOnlySpan<byte> message)
    {
        while (message.Length > 0 && FieldLines.EmptyLine(message) == 0)
        {
            var field = message[..FieldLines.FieldLength(message, out _)];
            message = message[field.Length..];
            if (FieldLines.TrySplit(field, out var name, out var value) && FieldLines.Is(name, "references"u8) && value.Length <= HeaderSummary.MaxField)
                return Encoding.Latin1.GetString(value);
        }
        return "";
    }

    static long Number(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return BinaryPrimitives.ReadInt64BigEndian(hash);
    }
}

using System.Buffers.Text;
using Posthorn.Mime.Headers;

namespace Posthorn.Mime.Envelopes;

/// <summary>One member of an address list: a mailbox, or the start or end of a group.</summary>
/// <param name="Name">The display name, decoded; of a group start null.</param>
/// <param name="Mailbox">The local part; of a group start its name, of a group end null.</param>
/// <param name="Host">The domain, maybe empty; null for group marks.</param>
public sealed record EnvelopeAddress(string? Name, string? Mailbox, string? Host)
{
    /// <summary>True for an address, false for a mark of a group.</summary>
    public bool IsMailbox => Host is not null;
}

/// <summary>An envelope taken apart again, for SEARCH, SORT and THREAD. Texts are decoded (RFC 2047).</summary>
public sealed record Envelope(string? Date, string? Subject, IReadOnlyList<EnvelopeAddress> From, IReadOnlyList<EnvelopeAddress> Sender,
    IReadOnlyList<EnvelopeAddress> ReplyTo, IReadOnlyList<EnvelopeAddress> To, IReadOnlyList<EnvelopeAddress> Cc, IReadOnlyList<EnvelopeAddress> Bcc,
    string? InReplyTo, string? MessageId)
{
    /// <summary>The envelope of a message without header: what stands for one that cannot be read.</summary>
    internal static ReadOnlySpan<byte> Empty => "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"u8;

    /// <summary>Reads the text that <see cref="Structure.StoredStructure.Envelope"/> gives; throws <see cref="FormatException"/> on anything else.</summary>
    public static Envelope Parse(ReadOnlySpan<byte> text)
    {
        var r = new Reader { Rest = text };
        r.Take((byte)'(');
        var date = r.Next();
        var subject = r.Next();
        var from = r.List();
        var sender = r.List();
        var replyTo = r.List();
        var to = r.List();
        var cc = r.List();
        var bcc = r.List();
        var inReplyTo = r.Next();
        var messageId = r.Next();
        r.Take((byte)')');
        return new Envelope(date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId);
    }

    ref struct Reader
    {
        internal ReadOnlySpan<byte> Rest;

        internal void Take(byte c)
        {
            if (Rest.Length == 0 || Rest[0] != c) throw Bad();
            Rest = Rest[1..];
        }

        bool TryTake(byte c)
        {
            if (Rest.Length == 0 || Rest[0] != c) return false;
            Rest = Rest[1..];
            return true;
        }

        internal string? Next()
        {
            var text = NString();
            TryTake((byte)' ');
            return text;
        }

        internal IReadOnlyList<EnvelopeAddress> List()
        {
            if (Rest.StartsWith("NIL "u8))
            {
                Rest = Rest[4..];
                return [];
            }
            var list = new List<EnvelopeAddress>(1);
            Take((byte)'(');
            while (TryTake((byte)'('))
            {
                var name = Next();
                NString(); // the route: nobody asks
                Take((byte)' ');
                var mailbox = Next();
                list.Add(new EnvelopeAddress(name, mailbox, NString()));
                Take((byte)')');
            }
            Take((byte)')');
            Take((byte)' ');
            return list;
        }

        string? NString()
        {
            if (Rest.StartsWith("NIL"u8))
            {
                Rest = Rest[3..];
                return null;
            }
            if (TryTake((byte)'{'))
            {
                if (!Utf8Parser.TryParse(Rest, out int length, out var digits) || Rest.Length < digits + 3 || length < 0 || length > Rest.Length - digits - 3) throw Bad();
                var literal = Rest.Slice(digits + 3, length);
                Rest = Rest[(digits + 3 + length)..];
                return EncodedWords.Decode(literal);
            }
            Take((byte)'"');
            var end = Rest.IndexOfAny("\"\\"u8);
            if (end >= 0 && Rest[end] == '"')
            {
                var simple = EncodedWords.Decode(Rest[..end]);
                Rest = Rest[(end + 1)..];
                return simple;
            }
            // Escapes are rare; the room is that of the string, so that many such strings cost no more than their octets.
            var close = 0;
            while (close < Rest.Length && Rest[close] != '"') close += Rest[close] == '\\' ? 2 : 1;
            var plain = new byte[Math.Min(close, Rest.Length)];
            var n = 0;
            for (var i = 0; i < Rest.Length; i++)
            {
                if (Rest[i] == '"')
                {
                    Rest = Rest[(i + 1)..];
                    return EncodedWords.Decode(plain.AsSpan(0, n));
                }
                if (Rest[i] == '\\' && i + 1 < Rest.Length) i++;
                plain[n++] = Rest[i];
            }
            throw Bad();
        }

        static FormatException Bad() => new("an envelope is not what the store keeps");
    }
}

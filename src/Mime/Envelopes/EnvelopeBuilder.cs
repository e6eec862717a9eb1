using System.Runtime.CompilerServices;
using Posthorn.Mime.Headers;

namespace Posthorn.Mime.Envelopes;

/// <summary>
/// Makes the ENVELOPE of a message (RFC 9051 §7.5.2) while its header fields come by, in whatever order: each is written as
/// IMAP text once, and the pieces are put in order when the header ends.
/// </summary>
sealed class EnvelopeBuilder
{
    /// <summary>The order of ENVELOPE.</summary>
    enum Slot { Date, Subject, From, Sender, ReplyTo, To, Cc, Bcc, InReplyTo, MessageId }

    const int Slots = 10;

    [InlineArray(Slots)]
    struct Pieces
    {
        Piece _first;
    }

    /// <summary>Where a piece lies in the text, and how many addresses it is; a length of 0 means that there is none.</summary>
    struct Piece
    {
        internal int Start, Length, Addresses;
    }

    ImapText _text = new(1024);
    Pieces _pieces;

    /// <summary>Further fields of one name: RFC 5322 §4.5.3 has destination fields taken together.</summary>
    List<(Slot Slot, Piece Piece)>? _more;

    /// <summary>True for a length that only fields of the envelope have, or nearly: the rest is decided by <see cref="Field"/>.</summary>
    internal static bool Wants(ReadOnlySpan<byte> name) => name.Length is 2 or 3 or 4 or 6 or 7 or 8 or 10 or 11 && name[0] is not ((byte)'X' or (byte)'x');

    /// <summary>Takes one field with its line ends.</summary>
    internal void Field(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        switch (name.Length)
        {
            case 2 when FieldLines.Is(name, "to"u8): Addresses(Slot.To, value); break;
            case 2 when FieldLines.Is(name, "cc"u8): Addresses(Slot.Cc, value); break;
            case 3 when FieldLines.Is(name, "bcc"u8): Addresses(Slot.Bcc, value); break;
            case 4 when FieldLines.Is(name, "from"u8): Addresses(Slot.From, value); break;
            case 4 when FieldLines.Is(name, "date"u8): Text(Slot.Date, value); break;
            case 6 when FieldLines.Is(name, "sender"u8): Addresses(Slot.Sender, value); break;
            case 7 when FieldLines.Is(name, "subject"u8): Text(Slot.Subject, value); break;
            case 8 when FieldLines.Is(name, "reply-to"u8): Addresses(Slot.ReplyTo, value); break;
            case 10 when FieldLines.Is(name, "message-id"u8): Text(Slot.MessageId, value); break;
            case 11 when FieldLines.Is(name, "in-reply-to"u8): Text(Slot.InReplyTo, value); break;
        }
    }

    void Text(Slot slot, ReadOnlySpan<byte> value)
    {
        ref var piece = ref _pieces[(int)slot];
        if (piece.Length > 0) return; // the first of a name counts
        piece.Start = _text.Length;
        _text.String(value.Trim(" \t\r\n"u8));
        piece.Length = _text.Length - piece.Start;
    }

    void Addresses(Slot slot, ReadOnlySpan<byte> value)
    {
        ref var first = ref _pieces[(int)slot];
        if (first.Length > 0 && slot is Slot.From or Slot.Sender or Slot.ReplyTo) return;
        var start = _text.Length;
        var count = AddressText.Write(value, AddressList.MaxAddresses - first.Addresses, ref _text);
        var piece = new Piece { Start = start, Length = _text.Length - start, Addresses = count };
        if (piece.Length == 0) return; // nothing but white space, comments and commas
        if (first.Length == 0) first = piece;
        else
        {
            (_more ??= []).Add((slot, piece));
            first.Addresses += count;
        }
    }

    /// <summary>The envelope in parentheses; the builder is done with.</summary>
    internal byte[] Build()
    {
        var to = new ImapText(_text.Length + 64);
        to.Raw((byte)'(');
        for (var slot = Slot.Date; slot <= Slot.MessageId; slot++)
        {
            if (slot > Slot.Date) to.Raw((byte)' ');
            // RFC 9051 §7.5.2: an absent or empty Sender or Reply-To is that of From.
            var from = slot is Slot.Sender or Slot.ReplyTo && _pieces[(int)slot].Length == 0 ? Slot.From : slot;
            var piece = _pieces[(int)from];
            var list = slot is not (Slot.Date or Slot.Subject or Slot.InReplyTo or Slot.MessageId);
            if (piece.Length == 0)
            {
                to.Raw("NIL"u8);
                continue;
            }
            if (list) to.Raw((byte)'(');
            to.Raw(_text.Written.Slice(piece.Start, piece.Length));
            if (_more is not null)
                foreach (var (of, more) in _more)
                    if (of == from)
                        to.Raw(_text.Written.Slice(more.Start, more.Length));
            if (list) to.Raw((byte)')');
        }
        to.Raw((byte)')');
        var envelope = to.Written.ToArray();
        to.Release();
        _text.Release();
        return envelope;
    }
}

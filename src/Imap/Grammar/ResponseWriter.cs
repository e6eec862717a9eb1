using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Posthorn.Storage.Messages;
using Posthorn.Wire.Connections;

namespace Posthorn.Imap.Grammar;

/// <summary>
/// Writes responses (RFC 9051 §9) to a connection's output. Text from elsewhere gets in only through the methods that check
/// or quote it: nobody can end a line and begin a response of his own. Constants go through <see cref="Raw"/>.
/// </summary>
/// <param name="connection">Where to; nothing is flushed here.</param>
sealed class ResponseWriter(Connection connection)
{
    static readonly SearchValues<byte> Quotable = SearchValues.Create(
        "\t !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    static readonly SearchValues<byte> AtomChar = SearchValues.Create(
        "!#$&'+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[^_`abcdefghijklmnopqrstuvwxyz|}~"u8);

    /// <summary>Longest text that is quoted; what is longer is a literal, which a client can take without looking.</summary>
    const int MostQuoted = 1000;

    /// <summary>True after ENABLE of UTF8=ACCEPT or IMAP4rev2: names and quoted strings are UTF-8.</summary>
    internal bool Utf8 { get; set; }

    /// <summary>Octets that this program made: constants, and text that was written for IMAP before (envelopes, structures).</summary>
    internal void Raw(ReadOnlySpan<byte> octets) => connection.Write(octets);

    internal void SP() => connection.Write(" "u8);

    internal void EndLine() => connection.Write("\r\n"u8);

    internal void Nil() => connection.Write("NIL"u8);

    internal void Number(long value)
    {
        var room = connection.GetSpan(20);
        Utf8Formatter.TryFormat(value, room, out var n);
        connection.Advance(n);
    }

    /// <summary>A tag as the client sent it, "*" for none; throws where it could be more than one word, since the grammar has let it through.</summary>
    internal void Tag(ReadOnlySpan<byte> tag)
    {
        if (tag.Length == 0 || tag.IndexOfAnyExceptInRange((byte)'!', (byte)'~') >= 0) throw new ArgumentException("not a tag");
        connection.Write(tag);
    }

    /// <summary>A string: quoted where that can be, else a literal.</summary>
    internal void String(ReadOnlySpan<byte> octets)
    {
        if (octets.Length <= MostQuoted && octets.IndexOfAnyExcept(Quotable) < 0)
        {
            connection.Write("\""u8);
            connection.Write(octets);
            connection.Write("\""u8);
        }
        else if (octets.Length > MostQuoted || !TryQuote(octets)) Literal(octets);
    }

    internal void String(ReadOnlySpan<char> text)
    {
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        String(rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented)));
        ArrayPool<byte>.Shared.Return(rented);
    }

    /// <summary>A string, or NIL for null.</summary>
    internal void NString(string? text)
    {
        if (text is null) Nil();
        else String(text);
    }

    bool TryQuote(ReadOnlySpan<byte> octets)
    {
        var eightBit = false;
        foreach (var c in octets)
        {
            if (c is < 32 and not (byte)'\t' or 127) return false;
            eightBit |= c > 127;
        }
        if (eightBit && !(Utf8 && System.Text.Unicode.Utf8.IsValid(octets))) return false;
        var room = connection.GetSpan(octets.Length * 2 + 2);
        var n = 0;
        room[n++] = (byte)'"';
        foreach (var c in octets)
        {
            if (c is (byte)'"' or (byte)'\\') room[n++] = (byte)'\\';
            room[n++] = c;
        }
        room[n++] = (byte)'"';
        connection.Advance(n);
        return true;
    }

    /// <summary>A literal holds anything but NUL (RFC 9051 §4.3), which becomes "?".</summary>
    void Literal(ReadOnlySpan<byte> octets)
    {
        LiteralMark(octets.Length);
        var room = connection.GetSpan(octets.Length);
        octets.Replace(room, (byte)0, (byte)'?');
        connection.Advance(octets.Length);
    }

    /// <summary>
    /// The mark of a literal whose octets the caller writes next, exactly so many: message text. With <paramref name="binary"/>
    /// as literal8 (RFC 3516 §4.4), which may hold NUL.
    /// </summary>
    internal void LiteralMark(long size, bool binary = false)
    {
        connection.Write(binary ? "~{"u8 : "{"u8);
        Number(size);
        connection.Write("}\r\n"u8);
    }

    /// <summary>A mailbox name: UTF-8 in quotes after ENABLE, else modified UTF-7.</summary>
    internal void Mailbox(string name)
    {
        if (Utf8) String(name);
        else String(ModifiedUtf7.Encode(name));
    }

    /// <summary>Flags in parentheses.</summary>
    internal void Flags(MessageFlags flags, IReadOnlyList<string>? keywords = null, bool recent = false)
    {
        connection.Write("("u8);
        var any = false;
        foreach (var name in FlagList.NamesOf(flags)) Add(name, ref any);
        if (recent) Add("\\Recent"u8, ref any);
        if (keywords is not null)
            foreach (var keyword in keywords)
                if (IsKeyword(keyword)) Add(Encoding.ASCII.GetBytes(keyword), ref any);
        connection.Write(")"u8);
    }

    void Add(ReadOnlySpan<byte> flag, ref bool any)
    {
        if (any) SP();
        any = true;
        connection.Write(flag);
    }

    /// <summary>A keyword that came by another way than IMAP and is no atom cannot be said in IMAP.</summary>
    static bool IsKeyword(string keyword) => keyword.Length > 0 && Ascii.IsValid(keyword) && Encoding.ASCII.GetBytes(keyword).AsSpan().IndexOfAnyExcept(AtomChar) < 0;

    /// <summary>A date-time in quotes.</summary>
    internal void Time(DateTimeOffset time)
    {
        var room = connection.GetSpan(28);
        room[0] = room[27] = (byte)'"';
        ImapDate.Write(time, room[1..27]);
        connection.Advance(28);
    }

    internal void Set(SequenceSet set)
    {
        var text = set.ToString();
        connection.Advance(Encoding.ASCII.GetBytes(text, connection.GetSpan(text.Length)));
    }

    /// <summary>Text for people at the end of a response. Control characters become spaces; without UTF-8 other characters become "?".</summary>
    internal void Text(ReadOnlySpan<char> text)
    {
        var room = connection.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        var n = Utf8 ? Encoding.UTF8.GetBytes(text, room) : Encoding.ASCII.GetBytes(text, room);
        foreach (ref var c in room[..n])
            if (c is < 32 or 127) c = (byte)' ';
        connection.Advance(n);
    }

    /// <summary>A whole status response: <c>tag OK [code] text</c>; the tag is "*" for an untagged one.</summary>
    /// <param name="code">A response code without its brackets, made by this program; empty for none.</param>
    internal void Status(ReadOnlySpan<byte> tag, ReadOnlySpan<byte> condition, ReadOnlySpan<byte> code, ReadOnlySpan<char> text)
    {
        Tag(tag);
        SP();
        Raw(condition);
        if (code.Length > 0)
        {
            Raw(" ["u8);
            Raw(code);
            Raw("]"u8);
        }
        SP();
        Text(text);
        EndLine();
    }
}

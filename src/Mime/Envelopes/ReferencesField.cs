using System.Buffers;
using Posthorn.Mime.Headers;

namespace Posthorn.Mime.Envelopes;

/// <summary>The References fields of one header (RFC 5322 §3.6.4) as the store keeps them, so that threads need no bodies.</summary>
sealed class ReferencesField
{
    /// <summary>Most octets that are kept: some hundred ids. Of a longer one nothing is, and who asks reads the header.</summary>
    internal const int Most = 16 << 10;

    ArrayBufferWriter<byte>? _text;
    bool _tooLong;

    internal static bool Is(ReadOnlySpan<byte> name) => FieldLines.Is(name, "references"u8);

    /// <summary>Takes the value of one field with its line ends; of several each counts.</summary>
    internal void Add(ReadOnlySpan<byte> value)
    {
        value = value.Trim(" \t\r\n"u8);
        if (value.Length == 0) return;
        _tooLong |= (_text?.WrittenCount ?? 0) + 1 + value.Length > Most;
        if (_tooLong) return;
        if (_text is null) _text = new ArrayBufferWriter<byte>(value.Length);
        else _text.Write(" "u8);
        _text.Write(value);
    }

    /// <summary>The values with a space between them, empty for none; null when they are too long.</summary>
    internal ReadOnlyMemory<byte>? Text => _tooLong ? default(ReadOnlyMemory<byte>?) : _text?.WrittenMemory ?? ReadOnlyMemory<byte>.Empty;
}

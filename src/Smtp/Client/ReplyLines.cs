using System.Buffers.Text;
using Posthorn.Smtp.Server;

namespace Posthorn.Smtp.Client;

/// <summary>
/// The grammar of a reply (RFC 5321 §4.2.1), one line at a time: <c>*( Reply-code "-" [ textstring ] CRLF ) Reply-code
/// [ SP textstring ] CRLF</c>, with the enhanced code of RFC 2034 §4 taken off the front of the text. Bounded, never throws.
/// </summary>
sealed class ReplyLines
{
    /// <summary>What is kept of one line.</summary>
    internal const int MaxLine = 2048;

    /// <summary>A longer line is no reply.</summary>
    internal const int MaxCutLine = 8192;

    const int MaxLines = 100;
    const int MaxOctets = 64 * 1024;

    readonly List<string> _lines = [];
    int _octets, _code;
    string? _enhanced;

    /// <summary>Set once a line was taken that ends the reply.</summary>
    internal SmtpReply? Reply { get; private set; }

    /// <summary>Takes a line without its line end. Null when it fits, else what is wrong with it.</summary>
    internal string? Add(ReadOnlySpan<byte> line)
    {
        _octets += line.Length + 2;
        if (line.Length > MaxCutLine) return "a line of more than 8192 octets";
        if (_lines.Count == MaxLines || _octets > MaxOctets) return "a reply of more than 100 lines or 64 kB";
        if (!TryCode(line, out var code, out var last)) return "\"" + CleanText.Of(line[..Math.Min(line.Length, 60)]) + "\"";
        if (_lines.Count > 0 && code != _code) return $"lines of {_code} and {code} in one reply";
        _code = code;
        var text = line.Length > 4 ? line[4..Math.Min(line.Length, MaxLine)] : default;
        if (_lines.Count == 0) _enhanced = Enhanced(text, code);
        if (_enhanced is { } enhanced && StartsWith(text, enhanced)) text = text[enhanced.Length..].TrimStart((byte)' ');
        _lines.Add(CleanText.Of(text));
        if (last) Reply = new SmtpReply(_code, _enhanced, [.. _lines]);
        return null;
    }

    // Reply-code = %x32-35 %x30-35 %x30-39; a middle digit over 5 is seen and means nothing else.
    static bool TryCode(ReadOnlySpan<byte> line, out int code, out bool last)
    {
        (code, last) = (0, true);
        if (line.Length < 3 || line[0] is < (byte)'2' or > (byte)'5' || !char.IsAsciiDigit((char)line[1]) || !char.IsAsciiDigit((char)line[2])) return false;
        Utf8Parser.TryParse(line[..3], out code, out _);
        if (line.Length == 3) return true;
        last = line[3] != '-';
        return line[3] is (byte)' ' or (byte)'-' or (byte)'\t';
    }

    // status-code = class "." subject "." detail, of the same class as the code (RFC 2034 §4); else it is text.
    static string? Enhanced(ReadOnlySpan<byte> text, int code)
    {
        var end = text.IndexOf((byte)' ');
        var word = end < 0 ? text : text[..end];
        if (word.Length is < 5 or > 9 || word[0] != code / 100 + '0' || word[1] != '.') return null;
        var rest = word[2..];
        var dot = rest.IndexOf((byte)'.');
        return dot >= 0 && IsNumber(rest[..dot]) && IsNumber(rest[(dot + 1)..]) ? System.Text.Encoding.ASCII.GetString(word) : null;
    }

    static bool IsNumber(ReadOnlySpan<byte> digits) => digits.Length is >= 1 and <= 3 && digits.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;

    static bool StartsWith(ReadOnlySpan<byte> text, string enhanced)
    {
        if (text.Length < enhanced.Length || text.Length > enhanced.Length && text[enhanced.Length] != ' ') return false;
        for (var i = 0; i < enhanced.Length; i++)
            if (text[i] != enhanced[i]) return false;
        return true;
    }
}

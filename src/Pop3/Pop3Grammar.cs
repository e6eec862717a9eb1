namespace Posthorn.Pop3;

/// <summary>The little grammar POP3 has: pure, on octets.</summary>
static class Pop3Grammar
{
    /// <summary>Splits a line at its first space. Without a space there is no argument; a space with nothing after it is an empty one.</summary>
    internal static void Split(ReadOnlySpan<byte> line, out int keywordLength, out bool hasArgument)
    {
        var space = line.IndexOf((byte)' ');
        hasArgument = space >= 0;
        keywordLength = hasArgument ? space : line.Length;
    }

    /// <summary>A decimal number and nothing else; leading zeros are fine, a number past int.MaxValue becomes that (no maildrop has such a message).</summary>
    internal static bool TryNumber(ReadOnlySpan<byte> text, out int number)
    {
        number = 0;
        if (text.IsEmpty) return false;
        var value = 0L;
        foreach (var c in text)
        {
            if (c is < (byte)'0' or > (byte)'9') return false;
            value = Math.Min(value * 10 + (c - '0'), int.MaxValue);
        }
        number = (int)value;
        return true;
    }

    /// <summary>True for the first word of an HTTP request: a browser was led here (ALPACA, CVE-2021-3618).</summary>
    internal static bool IsHttp(ReadOnlySpan<byte> keyword) =>
        keyword.SequenceEqual("GET"u8) || keyword.SequenceEqual("POST"u8) || keyword.SequenceEqual("HEAD"u8)
        || keyword.SequenceEqual("PUT"u8) || keyword.SequenceEqual("DELETE"u8) || keyword.SequenceEqual("OPTIONS"u8)
        || keyword.SequenceEqual("CONNECT"u8) || keyword.SequenceEqual("PATCH"u8) || keyword.SequenceEqual("TRACE"u8)
        || keyword.SequenceEqual("PRI"u8);
}

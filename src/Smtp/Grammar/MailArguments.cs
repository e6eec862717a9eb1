using System.Text;
using Posthorn.Smtp.Server;

namespace Posthorn.Smtp.Grammar;

/// <summary><c>"FROM:" Reverse-path [SP Mail-parameters]</c> (RFC 5321 §4.1.1.2) with the parameters of our extensions.</summary>
static class MailArguments
{
    internal static MailParameters Parse(ReadOnlySpan<byte> text)
    {
        var r = new ArgumentReader(text);
        r.Word("FROM:"u8);
        var path = r.Path(SmtpFault.SenderSyntax, postmasterAt: null);
        long? size = null;
        BodyType? body = null;
        bool utf8 = false;
        string? ret = null, envelopeId = null, auth = null;
        while (r.Parameter(out var key, out var value, out var hasValue))
        {
            if (Is(key, "SIZE"u8)) Once(size is null, size = Size(value)); // RFC 1870 §4
            else if (Is(key, "BODY"u8)) Once(body is null, body = Body(value)); // RFC 6152, RFC 3030
            else if (Is(key, "SMTPUTF8"u8)) Once(!utf8 && !hasValue, utf8 = true); // RFC 6531 §3.4: no value
            else if (Is(key, "RET"u8)) Once(ret is null, ret = Ret(value)); // RFC 3461 §4.3
            else if (Is(key, "ENVID"u8)) Once(envelopeId is null && value.Length <= 100, envelopeId = Text(value)); // RFC 3461 §4.4
            else if (Is(key, "AUTH"u8)) Once(auth is null, auth = Text(value)); // RFC 4954 §5
            else throw new BadSyntax(SmtpFault.UnknownParameter);
        }
        if (!utf8 && path is not null && !Ascii.IsValid(text)) throw new BadSyntax(SmtpFault.NeedsSmtpUtf8);
        return new MailParameters(path, size, body ?? BodyType.SevenBit, utf8, ret, envelopeId, auth);
    }

    internal static bool Is(ReadOnlySpan<byte> key, ReadOnlySpan<byte> upper) => Ascii.EqualsIgnoreCase(key, upper);

    // RFC 5321 §4.1.1.11 leaves a repeated parameter undefined: two readers could choose differently, so it is refused.
    internal static void Once<T>(bool first, T _)
    {
        if (!first) throw new BadSyntax(SmtpFault.Arguments);
    }

    // size-value ::= 1*20DIGIT; what does not fit a long is larger than any limit
    static long Size(ReadOnlySpan<byte> value)
    {
        if (value.Length is 0 or > 20) throw new BadSyntax(SmtpFault.Arguments);
        long n = 0;
        foreach (var c in value)
        {
            if (c is < (byte)'0' or > (byte)'9') throw new BadSyntax(SmtpFault.Arguments);
            n = n > (long.MaxValue - 9) / 10 ? long.MaxValue / 10 : n * 10 + (c - '0');
        }
        return n;
    }

    static BodyType Body(ReadOnlySpan<byte> value) =>
        Is(value, "8BITMIME"u8) ? BodyType.EightBitMime
        : Is(value, "7BIT"u8) ? BodyType.SevenBit
        : Is(value, "BINARYMIME"u8) ? BodyType.BinaryMime
        : throw new BadSyntax(SmtpFault.Arguments);

    static string Ret(ReadOnlySpan<byte> value) =>
        Is(value, "FULL"u8) ? "FULL" : Is(value, "HDRS"u8) ? "HDRS" : throw new BadSyntax(SmtpFault.Arguments);

    internal static string Text(ReadOnlySpan<byte> value) =>
        value.Length > 0 && Xtext.Decode(value) is { } text ? text : throw new BadSyntax(SmtpFault.Arguments);
}

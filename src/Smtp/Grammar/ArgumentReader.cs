using System.Text;
using Posthorn.Wire.Addresses;

namespace Posthorn.Smtp.Grammar;

/// <summary>Reads the arguments of one command; one method for each rule, which throws <see cref="BadSyntax"/>.</summary>
ref struct ArgumentReader(ReadOnlySpan<byte> text)
{
    ReadOnlySpan<byte> _rest = text;

    internal readonly bool AtEnd => _rest.Length == 0;

    internal void SkipSpaces() => _rest = _rest.TrimStart((byte)' ');

    /// <summary>A literal word, case ignored, as in <c>"FROM:"</c>.</summary>
    internal void Word(ReadOnlySpan<byte> upper)
    {
        if (_rest.Length < upper.Length || !Ascii.EqualsIgnoreCase(_rest[..upper.Length], upper)) throw new BadSyntax(SmtpFault.Arguments);
        _rest = _rest[upper.Length..];
    }

    /// <summary>
    /// <c>Path = "&lt;" [ A-d-l ":" ] Mailbox "&gt;"</c> (RFC 5321 §4.1.2). Null for <c>&lt;&gt;</c>. A source route is read
    /// and ignored (§4.1.1.3, appendix C). <paramref name="postmasterAt"/> completes <c>&lt;Postmaster&gt;</c> (§4.1.1.3).
    /// </summary>
    internal EmailAddress? Path(SmtpFault fault, string? postmasterAt)
    {
        // A space after the colon is not in the grammar, but is common and harmless.
        SkipSpaces();
        if (_rest.Length == 0 || _rest[0] != '<') throw new BadSyntax(PathFault(fault, _rest));
        _rest = _rest[1..];
        if (_rest.Length > 0 && _rest[0] == '>')
        {
            _rest = _rest[1..];
            return null;
        }
        if (_rest.Length > 0 && _rest[0] == '@') SourceRoute(fault);
        if (postmasterAt is not null && _rest.Length > 10 && _rest[10] == '>' && Ascii.EqualsIgnoreCase(_rest[..10], "postmaster"u8))
        {
            _rest = _rest[11..];
            return new EmailAddress("postmaster", postmasterAt);
        }
        if (EmailAddress.TryParse(_rest, allowUtf8: true, out var used) is not { } address || used >= _rest.Length || _rest[used] != '>')
            throw new BadSyntax(PathFault(fault, _rest));
        _rest = _rest[(used + 1)..];
        return address;
    }

    // A-d-l = At-domain *( "," At-domain )
    void SourceRoute(SmtpFault fault)
    {
        while (true)
        {
            if (_rest.Length == 0 || _rest[0] != '@' || !EmailAddress.TryDomain(_rest[1..], allowUtf8: true, out _, out var used))
                throw new BadSyntax(PathFault(fault, _rest));
            _rest = _rest[(used + 1)..];
            if (_rest.Length == 0) throw new BadSyntax(fault);
            var c = _rest[0];
            if (c is not ((byte)':' or (byte)',')) throw new BadSyntax(PathFault(fault, _rest));
            _rest = _rest[1..];
            if (c == ':') return;
        }
    }

    static SmtpFault PathFault(SmtpFault fault, ReadOnlySpan<byte> at)
    {
        foreach (var c in at)
            if (c is < 32 or 127) return SmtpFault.ControlInAddress;
        return fault;
    }

    /// <summary>
    /// <c>esmtp-param = esmtp-keyword ["=" esmtp-value]</c> after a space (RFC 5321 §4.1.2); false at the end of the line.
    /// The value may hold UTF-8 (RFC 6531 §3.3).
    /// </summary>
    internal bool Parameter(out ReadOnlySpan<byte> keyword, out ReadOnlySpan<byte> value, out bool hasValue)
    {
        keyword = value = default;
        hasValue = false;
        if (_rest.Length == 0) return false;
        if (_rest[0] != ' ') throw new BadSyntax(SmtpFault.Arguments);
        SkipSpaces();
        if (_rest.Length == 0) return false;
        var end = _rest.IndexOf((byte)' ');
        var word = end < 0 ? _rest : _rest[..end];
        _rest = end < 0 ? default : _rest[end..];
        var equals = word.IndexOf((byte)'=');
        hasValue = equals >= 0;
        keyword = hasValue ? word[..equals] : word;
        value = hasValue ? word[(equals + 1)..] : default;
        if (keyword.Length == 0 || hasValue && value.Length == 0) throw new BadSyntax(SmtpFault.Arguments);
        foreach (var c in keyword)
            if (!char.IsAsciiLetterOrDigit((char)c) && c != '-') throw new BadSyntax(SmtpFault.Arguments);
        foreach (var c in value)
            if (c is <= 32 or 127) throw new BadSyntax(SmtpFault.Arguments);
        return true;
    }

    /// <summary>The next word up to a space, or empty at the end.</summary>
    internal ReadOnlySpan<byte> Token()
    {
        SkipSpaces();
        var end = _rest.IndexOf((byte)' ');
        var word = end < 0 ? _rest : _rest[..end];
        _rest = _rest[word.Length..];
        return word;
    }

    /// <summary>Nothing but spaces may follow.</summary>
    internal void End()
    {
        SkipSpaces();
        if (_rest.Length > 0) throw new BadSyntax(SmtpFault.Arguments);
    }
}

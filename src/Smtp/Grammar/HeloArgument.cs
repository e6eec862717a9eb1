using System.Text;

namespace Posthorn.Smtp.Grammar;

/// <summary>The name a client gives itself (RFC 5321 §4.1.1.1).</summary>
static class HeloArgument
{
    /// <summary>
    /// <c>Domain / address-literal</c>, taken loosely: names with underscores or without dots are too common to refuse. What
    /// could be mistaken for something else in a Received line is refused.
    /// </summary>
    internal static string Parse(ReadOnlySpan<byte> text)
    {
        var r = new ArgumentReader(text);
        var name = r.Token();
        r.End();
        if (name.Length is 0 or > 255) throw new BadSyntax(SmtpFault.Arguments);
        foreach (var c in name)
            if (!char.IsAsciiLetterOrDigit((char)c) && !"-._:[]%+/=~#$&!'*?^`{|}"u8.Contains(c)) throw new BadSyntax(SmtpFault.Arguments);
        return Encoding.ASCII.GetString(name);
    }
}

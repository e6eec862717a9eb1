using System.Text;
using Posthorn.Imap.Grammar;
using Shouldly;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>Reads a text by one rule of the grammar, to its end.</summary>
static class GrammarReading
{
    internal delegate T Rule<out T>(ref ImapReader r);

    internal static T Read<T>(string text, Rule<T> rule, bool utf8 = false, ImapLimits? limits = null)
    {
        var r = new ImapReader(Encoding.UTF8.GetBytes(text), limits ?? ImapLimits.User, utf8);
        var value = rule(ref r);
        r.End();
        return value;
    }

    internal static int ColumnOf<T>(string text, Rule<T> rule, ImapLimits? limits = null) => Should.Throw<BadSyntax>(() => Read(text, rule, limits: limits)).Column;
}

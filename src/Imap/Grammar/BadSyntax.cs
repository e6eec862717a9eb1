namespace Posthorn.Imap.Grammar;

/// <summary>The octets are not a command of IMAP. Thrown by the grammar, caught once per command, answered with BAD.</summary>
/// <param name="expected">What should have been there, in words fit for the client; nothing of the command is repeated.</param>
/// <param name="column">Where, counted in octets from 1, literals included.</param>
sealed class BadSyntax(string expected, int column) : Exception(expected)
{
    internal int Column { get; } = column;
}

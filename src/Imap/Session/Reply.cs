namespace Posthorn.Imap.Session;

/// <summary>How a command ended.</summary>
enum ReplyKind
{
    Ok,

    /// <summary>The command was right and could not be done.</summary>
    No,

    /// <summary>The command was wrong; too many end the session.</summary>
    Bad,

    /// <summary>All is said already, or the session is over.</summary>
    None,
}

/// <summary>The tagged response of a command; the loop writes it, behind the untagged ones.</summary>
/// <param name="Code">A response code without its brackets, made by this program in ASCII; null for none.</param>
/// <param name="Text">For people.</param>
readonly record struct Reply(ReplyKind Kind, string? Code, string Text)
{
    internal static readonly Reply None = new(ReplyKind.None, null, "");

    internal static Reply Ok(string text) => new(ReplyKind.Ok, null, text);

    internal static Reply Ok(string? code, string text) => new(ReplyKind.Ok, code, text);

    internal static Reply No(string? code, string text) => new(ReplyKind.No, code, text);

    internal static Reply Bad(string text) => new(ReplyKind.Bad, null, text);
}

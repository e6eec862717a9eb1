using System.Collections.Frozen;
using System.Text;
using Posthorn.Imap.Grammar;

namespace Posthorn.Imap.Session;

/// <summary>When a command may come and what it means for the client's numbers; the session loop enforces it.</summary>
[Flags]
enum When
{
    /// <summary>Before login (RFC 9051 §3.1).</summary>
    Stranger = 1,

    /// <summary>After login, with no mailbox selected (RFC 9051 §3.2).</summary>
    User = 2,

    /// <summary>With a mailbox selected (RFC 9051 §3.3).</summary>
    Selected = 4,

    LoggedIn = User | Selected,

    Any = Stranger | User | Selected,

    /// <summary>UID may stand before it (RFC 9051 §6.4.9).</summary>
    TakesUid = 8,

    /// <summary>Only UID may stand before it: UID EXPUNGE has another meaning of its own.</summary>
    NeedsUid = 16 | TakesUid,

    /// <summary>
    /// Without UID, no EXPUNGE may be sent before its tagged response: the client counts on the numbers (RFC 9051 §7.5.1).
    /// </summary>
    KeepsNumbers = 32,

    /// <summary>It takes messages by number or UID: what has changed is told first, so that they are those of now.</summary>
    TakesMessages = 64,

    /// <summary>UID may stand before it and says nothing new: it tells UIDs in any case (the examples of RFC 7377 §2).</summary>
    PassesUid = 128,
}

/// <summary>The text of a command behind its verb.</summary>
/// <param name="Text">The whole command, or its first piece; valid until the next read.</param>
/// <param name="Start">Where the arguments begin.</param>
/// <param name="ByUid">UID stood before the verb.</param>
/// <param name="Literal">Set when the command stopped at a literal that is to be streamed.</param>
readonly record struct Arguments(ReadOnlyMemory<byte> Text, int Start, bool ByUid, LiteralMark? Literal)
{
    /// <summary>A reader that stands behind the verb.</summary>
    internal ImapReader Read(ImapSession session)
    {
        var reader = new ImapReader(Text.Span, session.Limits, session.Utf8);
        reader.Skip(Start);
        return reader;
    }

    /// <summary>Demands that nothing follows the verb.</summary>
    internal void None(ImapSession session)
    {
        var reader = Read(session);
        reader.End();
    }
}

/// <summary>One command: what it is called, when it may come, what it does. Stateless; state lives in the session.</summary>
abstract class ImapCommand
{
    /// <summary>Upper case.</summary>
    internal abstract string Verb { get; }

    internal abstract When When { get; }

    /// <summary>Runs the command; untagged responses are written, the tagged one is returned. Throws <see cref="BadSyntax"/> on wrong arguments.</summary>
    internal abstract ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct);
}

/// <summary>The commands by verb: those of the base protocol, and those that extensions bring.</summary>
static class ImapCommands
{
    internal static readonly IReadOnlyList<ImapCommand> All = [.. Commands.BaseCommands.All, .. Extensions.ImapExtension.All.SelectMany(static e => e.Commands)];

    static readonly FrozenDictionary<string, ImapCommand> Plain = All.Where(static c => (c.When & When.NeedsUid) != When.NeedsUid).ToFrozenDictionary(static c => c.Verb, StringComparer.OrdinalIgnoreCase);

    static readonly FrozenDictionary<string, ImapCommand> ByUid = All.Where(static c => (c.When & (When.TakesUid | When.PassesUid)) != 0)
        .OrderBy(static c => (c.When & When.NeedsUid) == When.NeedsUid ? 0 : 1).DistinctBy(static c => c.Verb).ToFrozenDictionary(static c => c.Verb, StringComparer.OrdinalIgnoreCase);

    const int LongestVerb = 32;

    /// <summary>The command of a verb in any case, or null.</summary>
    internal static ImapCommand? Find(ReadOnlySpan<byte> verb, bool byUid)
    {
        if (verb.Length > LongestVerb) return null;
        Span<char> text = stackalloc char[LongestVerb];
        var length = Encoding.Latin1.GetChars(verb, text);
        return (byUid ? ByUid : Plain).GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text[..length], out var command) ? command : null;
    }
}

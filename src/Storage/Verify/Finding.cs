namespace Posthorn.Storage.Verify;

/// <summary>How bad a finding is.</summary>
public enum Severity
{
    /// <summary>Worth knowing, nothing is wrong: space to be reclaimed, a torn tail that no commit knows.</summary>
    Note = 1,

    /// <summary>A thing nothing refers to, or a number that does not add up; no mail is affected.</summary>
    Orphan = 2,

    /// <summary>Something that was promised cannot be kept: a body, a row, a reference.</summary>
    Damage = 3,
}

/// <summary>One thing found.</summary>
/// <param name="Kind">What sort of thing: body, message, placement, mailbox, account, pack, file, database …</param>
/// <param name="Name">Which one.</param>
/// <param name="Text">What is the matter, for the administrator.</param>
public sealed record Finding(Severity Severity, string Kind, string Name, string Text);

/// <summary>All that was found and what was looked at.</summary>
public sealed record VerifyReport(IReadOnlyList<Finding> Findings, long Accounts, long Mailboxes, long Messages, long Bodies, long Octets, long Packs)
{
    /// <summary>True when nothing worse than notes was found.</summary>
    public bool Clean => Findings.All(static f => f.Severity == Severity.Note);
}

namespace Posthorn.Imap.Session;

/// <summary>Change numbers that a command of this session took; the client need not hear of them again.</summary>
/// <param name="First">0 for none.</param>
readonly record struct OwnChanges(long First, long Last)
{
    internal bool Has(long modSeq) => First > 0 && modSeq >= First && modSeq <= Last;
}

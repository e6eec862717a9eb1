namespace Posthorn.Tests.Testing.Transcripts;

/// <summary>Sets the stage for a transcript: does what no client of the protocol can do, or what would be told at length in every transcript.</summary>
public interface ITranscriptStage
{
    /// <summary>The address from which the next connection comes.</summary>
    string Client { get; }

    /// <summary>Does a step that begins with <c>@</c>.</summary>
    /// <param name="words">What follows, split at spaces that are not between quotes.</param>
    /// <param name="text">The lines below it that begin with <c>|</c>.</param>
    /// <returns>Steps to be played in its place, on its connection: C and S lines without a digit.</returns>
    Task<IReadOnlyList<string>> DoAsync(IReadOnlyList<string> words, IReadOnlyList<string> text);
}

using System.Text;

namespace Posthorn.Tests.Testing.Transcripts;

/// <summary>One line of a transcript.</summary>
/// <param name="Who">C, S, @ or |.</param>
/// <param name="Connection">The digit behind it; 0 for none.</param>
/// <param name="Kind">What follows: ':', '&lt;', '!'; a space for @ and |.</param>
/// <param name="Text">The rest.</param>
readonly record struct TranscriptStep(char Who, int Connection, char Kind, string Text)
{
    internal static TranscriptStep Parse(string line)
    {
        var at = 1;
        var connection = line.Length > 1 && char.IsAsciiDigit(line[1]) ? line[at++] - '0' : 0;
        var kind = line.Length > at ? line[at++] : ' ';
        if (!"CS@|".Contains(line[0]) || !":<! ".Contains(kind)) throw new FormatException("not a step of a transcript: " + line);
        return new(line[0], connection, kind, line.Length > at ? line[(kind == ' ' ? at : at + 1)..] : "");
    }

    /// <summary>What the client sends.</summary>
    internal byte[] Octets => (Who, Kind) switch
    {
        ('C', ':') => Encoding.UTF8.GetBytes(Text + "\r\n"),
        ('C', '<') => Transcript.Unescape(Text),
        _ => [],
    };
}

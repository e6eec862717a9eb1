using System.Text;
using System.Text.RegularExpressions;

namespace Posthorn.Tests.Testing.Transcripts;

/// <summary>A transcript while it is played: its connections, and what <c>${name}</c> stands for.</summary>
sealed partial class TranscriptPlay(Transcript transcript, Func<TranscriptPeer> connect, ITranscriptStage? stage)
{
    readonly SortedDictionary<int, TranscriptPeer> _peers = [];
    readonly Dictionary<string, string> _known = [];
    readonly StringBuilder _said = new();
    readonly List<string> _steps = [.. transcript.Steps];

    internal async Task RunAsync()
    {
        try
        {
            for (var i = 0; i < _steps.Count;) i = await StepAsync(i);
            foreach (var peer in _peers.Values) peer.Finish();
            foreach (var peer in _peers.Values) await peer.EndAsync();
        }
        finally
        {
            foreach (var peer in _peers.Values) await peer.DisposeAsync();
        }
    }

    /// <summary>Plays a step, and those that belong to it; returns the number of the next one.</summary>
    async Task<int> StepAsync(int i)
    {
        var step = TranscriptStep.Parse(_steps[i]);
        if (step.Who == '@') return await StageAsync(i, step);
        if (!_peers.TryGetValue(step.Connection, out var peer)) _peers.Add(step.Connection, peer = connect());
        switch (step)
        {
            case { Who: 'C', Kind: '!' }:
                peer.Finish();
                return i + 1;
            case { Who: 'C' }:
                return await SendAsync(peer, i, step.Connection);
            case { Who: 'S', Kind: '!' }:
                if (await peer.NextAsync() is { } extra) throw Wrong(i, "the end", extra);
                return i + 1;
            case { Who: 'S', Text: "..." }:
                while (true)
                {
                    var line = await peer.NextAsync() ?? throw Wrong(i, _steps[i + 1], "the end");
                    Heard(step.Connection, line);
                    if (Fits(TranscriptStep.Parse(_steps[i + 1]).Text, line)) return i + 2;
                }
            default:
                var next = await peer.NextAsync();
                if (next is null || !Fits(step.Text, next)) throw Wrong(i, step.Text, next ?? "the end");
                Heard(step.Connection, next);
                return i + 1;
        }
    }

    async Task<int> SendAsync(TranscriptPeer peer, int i, int connection)
    {
        var batch = new List<byte>();
        for (; i < _steps.Count && TranscriptStep.Parse(_steps[i]) is { Who: 'C', Kind: not '!' } step && step.Connection == connection; i++)
        {
            var filled = step with { Text = Name().Replace(step.Text, m => _known.GetValueOrDefault(m.Groups[1].Value, m.Value)) };
            batch.AddRange(filled.Octets);
            _said.AppendLine(_steps[i]);
        }
        await peer.SendAsync([.. batch]);
        return i;
    }

    async Task<int> StageAsync(int i, TranscriptStep step)
    {
        var end = i + 1;
        while (end < _steps.Count && _steps[end][0] == '|') end++;
        var text = _steps[(i + 1)..end].ConvertAll(s => TranscriptStep.Parse(s).Text);
        var words = Word().Matches(step.Text).Select(m => m.Value.Replace("\"", "")).ToList();
        var instead = await (stage ?? throw new InvalidOperationException("nobody to do: " + step.Text)).DoAsync(words, text);
        _said.AppendLine(_steps[i]);
        _steps.RemoveRange(i, end - i);
        _steps.InsertRange(i, instead.Select(s => step.Connection > 0 ? $"{s[0]}{step.Connection}{s[1..]}" : s));
        return i;
    }

    /// <summary>As <see cref="Transcript.Fits"/>; what stands in the place of a new name is kept.</summary>
    bool Fits(string want, string line)
    {
        if (!want.Contains("${", StringComparison.Ordinal)) return Transcript.Fits(want, line);
        var fresh = new List<string>();
        var pattern = new StringBuilder("^");
        var at = 0;
        foreach (Match m in Name().Matches(want))
        {
            pattern.Append(Transcript.Pattern(want[at..m.Index]));
            at = m.Index + m.Length;
            if (_known.TryGetValue(m.Groups[1].Value, out var known)) pattern.Append(Regex.Escape(known));
            else
            {
                pattern.Append("(.+?)");
                fresh.Add(m.Groups[1].Value);
            }
        }
        var match = Regex.Match(line, pattern.Append(Transcript.Pattern(want[at..])).Append('$').ToString(), RegexOptions.Singleline);
        if (!match.Success) return false;
        for (var n = 0; n < fresh.Count; n++) _known[fresh[n]] = match.Groups[n + 1].Value;
        return true;
    }

    void Heard(int connection, string line) => _said.AppendLine(connection > 0 ? $"S{connection}: {line}" : "S: " + line);

    TranscriptException Wrong(int step, string want, string got) => new(transcript, step, _said, want, got);

    [GeneratedRegex(@"\$\{([A-Za-z0-9]+)\}")]
    private static partial Regex Name();

    [GeneratedRegex("(?:[^\" ]|\"[^\"]*\")+")]
    private static partial Regex Word();
}

namespace Posthorn.Tests.Unit.Delivery.Outbound;

/// <summary>
/// What a peer does at which stage: <c>stage=action|action;stage=action</c>. Of several actions each occurrence takes the
/// next, the last repeats. An action is a reply ("450 4.7.1 later"), or drop, silent, drip (an octet a second), garbage,
/// endless (a line without end), none of which is good.
/// </summary>
sealed class PeerScript
{
    readonly Dictionary<string, (string[] Actions, int Next)> _stages = [];

    public PeerScript(string text)
    {
        foreach (var stage in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (stage is "good" or "-") continue;
            var equals = stage.IndexOf('=');
            _stages[stage[..equals].Trim()] = ([.. stage[(equals + 1)..].Split('|', StringSplitOptions.TrimEntries)], 0);
        }
    }

    public bool Has(string stage) => _stages.ContainsKey(stage);

    public string Setting(string name, string otherwise) => _stages.TryGetValue(name, out var s) ? s.Actions[0] : otherwise;

    /// <summary>The action for the next occurrence of a stage; null for what a good server does.</summary>
    public string? Next(string stage)
    {
        if (!_stages.TryGetValue(stage, out var s)) return null;
        _stages[stage] = (s.Actions, s.Next + 1);
        var action = s.Actions[Math.Min(s.Next, s.Actions.Length - 1)];
        return action == "ok" ? null : action;
    }
}

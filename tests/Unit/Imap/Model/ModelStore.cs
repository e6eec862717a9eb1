using System.Text.RegularExpressions;
using Shouldly;

namespace Posthorn.Tests.Unit.Imap.Model;

/// <summary>STORE in every form: with and without an answer, with a condition that what others did may have broken.</summary>
sealed partial class ModelClient
{
    async Task StoreAsync(string prefix, string set, List<uint> uids, char mode, string flag, bool silent, bool since)
    {
        if (uids.Count == 0) return;
        var condition = since ? $" (UNCHANGEDSINCE {_picture.ModSeq})" : "";
        List<uint> expected = since ? [.. uids.Where(uid => model.Has(uid) && model[uid].Changed > _picture.SyncedAt)] : [];
        var numbers = _picture.Messages.Select(static m => m.Uid).ToList();
        var known = _picture.Messages.Where(static m => m.Uid != 0).ToDictionary(static m => m.Uid, static m => m.Flags);
        var told = _picture.Told.ToHashSet();
        var reply = await _client.AskAsync($"{prefix}STORE {set}{condition} {(mode == '=' ? "" : mode)}FLAGS{(silent ? ".SILENT" : "")} ({flag})");
        var modified = Modified().Match(reply) is { Success: true } m ? Picture.Numbers(m.Groups[1].Value) : [];
        if (prefix.Length == 0) modified = [.. modified.Select(n => numbers[(int)n - 1])];
        if (modified.Count == 0) Answered(reply);
        if (model.Foresees) Refused(modified, expected, mode, flag, known, told, reply);
        model.Store(uids.Except(modified), mode, flag);
        if (!silent) return;
        if (CondStore) _picture.Apply(_client.Untagged, [.. uids.Except(modified)], mode, flag);
        else if (model.Foresees)
        {
            _picture.Apply(_client.Untagged);
            _picture.Believe([.. uids], mode, flag);
        }
        else
        {
            // Without change numbers nobody can say whether what others did came before or after what he asked for.
            _picture.Apply(_client.Untagged);
            Answered(await _client.AskAsync($"{prefix}FETCH {set} (FLAGS)"));
        }
    }

    /// <summary>
    /// Of what changed since, only that is refused of which the flag in question is not what the client knew (RFC 7162 §3.1.12).
    /// Of what it was told since, it has not said that it knows.
    /// </summary>
    void Refused(List<uint> refused, List<uint> changed, char mode, string flag, Dictionary<uint, string> known, HashSet<uint> told, string reply)
    {
        bool Has(string flags) => flags.Split(' ').Contains(flag);
        var must = changed.Where(uid => mode == '=' || Has(known[uid]) != Has(model[uid].Flags)).ToList();
        must.Except(refused).ShouldBeEmpty(reply);
        refused.Except(must).ShouldAllBe(uid => changed.Contains(uid) && told.Contains(uid), reply);
    }

    [GeneratedRegex(@"\[MODIFIED ([\d:,]+)\]")]
    private static partial Regex Modified();
}

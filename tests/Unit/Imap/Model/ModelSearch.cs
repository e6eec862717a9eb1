using System.Text.RegularExpressions;
using Shouldly;

namespace Posthorn.Tests.Unit.Imap.Model;

/// <summary>Searches in every form: what is found is what the model says, by number, by UID, sorted, threaded or kept.</summary>
sealed partial class ModelClient
{
    async Task SearchAsync(string prefix, string flag)
    {
        var wanted = random.Next(2) == 0;
        var key = Key(flag, wanted);
        switch (random.Next(6))
        {
            case 0: Found(await AskedAsync(prefix, $"SORT (ARRIVAL) UTF-8 {key}"), flag, wanted); break;
            case 1: Found(await AskedAsync(prefix, $"THREAD ORDEREDSUBJECT UTF-8 {key}"), flag, wanted); break;
            case 2: Found(await AskedAsync(prefix, $"SEARCH RETURN (ALL) {key}"), flag, wanted); break;
            case 3: await ExtremesAsync(prefix, key, flag, wanted); break;
            case 4: await KeptAsync(prefix, key, flag, wanted); break;
            default: Found(await AskedAsync(prefix, $"SEARCH {key}"), flag, wanted); break;
        }
    }

    static string Key(string flag, bool wanted) => (wanted ? "" : "UN") + (flag[0] == '\\' ? flag[1..].ToUpperInvariant() : "KEYWORD " + flag);

    /// <summary>The UIDs that the answer names, in ascending order.</summary>
    async Task<List<uint>> AskedAsync(string prefix, string command)
    {
        Answered(await _client.AskAsync(prefix + command));
        return await ToUidsAsync(prefix, [.. Results().SelectMany(NumbersOf)]);
    }

    /// <summary>Takes the answer's line away; what remains are other sessions' changes.</summary>
    List<string> Results()
    {
        var results = _client.Untagged.FindAll(static line => Result().IsMatch(line));
        _client.Untagged.RemoveAll(static line => Result().IsMatch(line));
        return [.. results.Select(static line => Result().Match(line).Groups[1].Value)];
    }

    /// <summary>The numbers of SEARCH, SORT, THREAD, and of ALL in ESEARCH.</summary>
    static IEnumerable<uint> NumbersOf(string result) => Set().Matches(result).SelectMany(static m => Picture.Numbers(m.Value));

    /// <summary>Numbers mean what they mean to this client now; of a message that it knows by EXISTS alone it asks the UID.</summary>
    async Task<List<uint>> ToUidsAsync(string prefix, List<uint> numbers)
    {
        _picture.Apply(_client.Untagged);
        if (prefix.Length == 0)
        {
            await LookAsync();
            numbers = numbers.ConvertAll(n => _picture.Messages[(int)n - 1].Uid);
        }
        numbers.ShouldBeUnique();
        numbers.Sort();
        return numbers;
    }

    /// <summary>A message that is gone, though this client has not heard of it, may still be found (RFC 2180 §4.1).</summary>
    void Found(List<uint> uids, string flag, bool wanted)
    {
        if (model.Foresees) uids.Where(model.Has).ShouldBe(model.Having(flag, wanted));
    }

    async Task ExtremesAsync(string prefix, string key, string flag, bool wanted)
    {
        // One that is gone without its having heard of it may still count.
        var exact = _picture.Messages.TrueForAll(m => model.Has(m.Uid));
        Answered(await _client.AskAsync($"{prefix}SEARCH RETURN (MIN MAX COUNT) {key}"));
        var result = Results().ShouldHaveSingleItem();
        uint? Of(string name) => Regex.Match(result, name + @" (\d+)") is { Success: true } m ? uint.Parse(m.Groups[1].Value) : null;
        var uids = await ToUidsAsync(prefix, [.. new[] { Of("MIN"), Of("MAX") }.OfType<uint>().Distinct()]);
        if (!model.Foresees || !exact) return;
        var expected = model.Having(flag, wanted);
        Of("COUNT").ShouldBe((uint)expected.Count, result);
        uids.ShouldBe(expected.Count == 0 ? [] : new[] { expected[0], expected[^1] }.Distinct(), result);
    }

    /// <summary>Keeps what is found, and asks for it by the name "$" (RFC 5182).</summary>
    async Task KeptAsync(string prefix, string key, string flag, bool wanted)
    {
        Answered(await _client.AskAsync($"{prefix}SEARCH RETURN (SAVE) {key}"));
        Results().ShouldBeEmpty();
        _picture.Apply(_client.Untagged);
        Answered(await _client.AskAsync("UID FETCH $ (UID RFC822.SIZE)"));
        var told = _client.Untagged.FindAll(static line => line.Contains("RFC822.SIZE", StringComparison.Ordinal));
        _picture.Apply(_client.Untagged);
        Found([.. told.Select(static line => uint.Parse(Regex.Match(line, @"UID (\d+)").Groups[1].Value)).Order()], flag, wanted);
    }

    [GeneratedRegex(@"^\* (?:SEARCH|SORT|THREAD|ESEARCH)(?: \(TAG ""[^""]*""\))?(?: UID)?(.*)$")]
    private static partial Regex Result();

    [GeneratedRegex(@"\d+(?:[:,]\d+)*")]
    private static partial Regex Set();
}

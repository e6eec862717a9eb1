using System.Text;
using Posthorn.Configuration;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Configuration;

/// <summary>Promise 29: wrong configurations cannot take it down, and the place is told.</summary>
public sealed class ConfigMutationTests
{
    const int Each = 100;

    public static TheoryData<string> Kinds => ["octet", "cut", "token", "line", "swap"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Config_errors_cannot_take_it_down(string kind)
    {
        var random = new Random(kind.GetHashCode(StringComparison.Ordinal) ^ 29);
        var refused = 0;
        for (var i = 0; i < Each; i++)
        {
            var text = Mutate(Encoding.UTF8.GetBytes(Configs.Promised), kind, random);
            try { new ConfigLoader(new System.Collections.Hashtable()).Parse(text, "/srv/mail/posthorn.json"); }
            catch (ConfigException e)
            {
                refused++;
                e.Errors.ShouldNotBeEmpty();
                foreach (var error in e.Errors)
                {
                    error.At.Line.ShouldBeInRange(1, text.Count(b => b == '\n') + 1, error.ToString());
                    error.Option.ShouldNotBeNullOrEmpty();
                    error.Message.ShouldNotBeNullOrEmpty();
                }
            }
        }
        refused.ShouldBeGreaterThan(Each / 5);
    }

    static byte[] Mutate(byte[] text, string kind, Random random)
    {
        switch (kind)
        {
            case "octet":
                text[random.Next(text.Length)] = (byte)random.Next(256);
                return text;
            case "cut":
                return text[..random.Next(text.Length)];
            case "token":
                string[] tokens = ["null", "true", "-1", "1e400", "\"\"", "[]", "{}", "\"\\ud800\"", "[[[[[[[[[[[[[[[[[[[["];
                var values = new List<(int Start, int End)>();
                for (var at = 0; (at = Array.IndexOf(text, (byte)':', at)) >= 0; at++)
                    if (text[at - 1] == '"') values.Add((at + 1, Array.FindIndex(text, at + 1, b => b is (byte)',' or (byte)'}' or (byte)'\n')));
                var (start, end) = values[random.Next(values.Count)];
                return [.. text[..start], .. Encoding.UTF8.GetBytes(tokens[random.Next(tokens.Length)]), .. text[end..]];
            case "line":
                var lines = Encoding.UTF8.GetString(text).Split('\n').ToList();
                if (random.Next(2) == 0) lines.RemoveAt(random.Next(lines.Count));
                else lines.Insert(random.Next(lines.Count), lines[random.Next(lines.Count)]);
                return Encoding.UTF8.GetBytes(string.Join('\n', lines));
            default:
                var (a, b) = (random.Next(text.Length), random.Next(text.Length));
                (text[a], text[b]) = (text[b], text[a]);
                return text;
        }
    }
}

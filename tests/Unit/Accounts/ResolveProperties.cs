using FsCheck;
using FsCheck.Fluent;
using Posthorn.Accounts;
using Posthorn.Accounts.Addresses;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

/// <summary>Random directories, resolved by the product and by a slow reference that follows docs/addresses.md by the letter.</summary>
public sealed class ResolveProperties
{
    static readonly string[] Locals = ["a", "ab", "abc", "b", "postmaster", "a+t", "b+t", "ab+", "ABC+u"];
    static readonly string[] Hosts = ["x.test", "y.test", "s.x.test", "t.s.x.test", "o.test", "far.example", "s.y.test"];
    static readonly string[] Patterns = ["a@x.test", "ab@x.test", "b@y.test", "a+t@x.test", "abc@s.x.test", "a@*", "postmaster@*", "b@*", "*@x.test",
        "*@s.x.test", "*@*.x.test", "*@*.s.x.test", "*@*.o.test", "a*@x.test", "ab*@x.test", "b*@y.test", "abc*@s.x.test"];

    static Gen<string> Address => from local in Gen.Elements(Locals) from host in Gen.Elements(Hosts) select local + "@" + host;

    static Gen<Picture> Directory =>
        from accounts in Gen.SubListOf("a@x.test", "ab@x.test", "b@x.test", "b@y.test", "abc@y.test", "a@s.x.test")
        from patterns in Gen.SubListOf(Patterns)
        from targets in Gen.ArrayOf(Gen.ArrayOf(Address, 2), patterns.Count)
        select Make(accounts, patterns, targets);

    // Aliases that the rules refuse are left out, one by one, as they would be when saved.
    static Picture Make(IList<string> accounts, IList<string> patterns, string[][] targets)
    {
        var picture = new Picture().Domain("x.test").Domain("y.test").Domain("s.x.test").Domain("o.test", "x.test");
        foreach (var account in accounts) picture.Account(account);
        for (var i = 0; i < patterns.Count; i++)
        {
            picture.Alias(patterns[i], targets[i]);
            if (picture.Problems().Count > 0) picture.Aliases.RemoveAt(picture.Aliases.Count - 1);
        }
        return picture;
    }

    [Fact]
    public void Resolution_equals_the_reference() =>
        Prop.ForAll(Directory.ToArbitrary(), Address.ToArbitrary(), (picture, address) =>
        {
            var got = picture.Resolve(address);
            var expected = new Reference(picture).Of(address);
            Picture.Words(got).Order(StringComparer.Ordinal).ShouldBe(expected.Order(StringComparer.Ordinal));
            Picture.Words(picture.Resolve(address, explain: true)).ShouldBe(Picture.Words(got));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));

    [Fact]
    public void What_the_rules_let_in_never_loops_and_never_dangles() =>
        Prop.ForAll(Directory.ToArbitrary(), picture =>
        {
            foreach (var alias in picture.Aliases)
                foreach (var target in alias.Targets)
                    picture.Resolve(target).Status.ShouldBeOneOf(ResolutionStatus.Found, ResolutionStatus.NotLocal);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    sealed class Reference(Picture picture)
    {
        readonly HashSet<string> _accounts = [.. picture.Accounts.Select(a => a.LocalPart + "@" + picture.Domains.Single(d => d.Id == a.DomainId).Name)];
        readonly Dictionary<string, IReadOnlyList<string>> _aliases = picture.Aliases.ToDictionary(a => a.Pattern, a => a.Targets);

        public HashSet<string> Of(string address)
        {
            var ends = new HashSet<string>();
            if (!Local(address.Split('@')[1])) return ends;
            Follow(address, null, null, ends);
            return ends;
        }

        bool Local(string host) => picture.Domains.Exists(d => d.Name == host)
            || picture.Aliases.Exists(a => a.Pattern.StartsWith("*@*.", StringComparison.Ordinal) && host.EndsWith(a.Pattern[3..], StringComparison.Ordinal));

        void Follow(string address, string? tag, string? from, HashSet<string> ends)
        {
            var (local, host) = (address.Split('@')[0], address.Split('@')[1]);
            if (!Local(host)) { ends.Add("→ " + address); return; }
            if (host == "o.test") host = "x.test";
            var full = local.ToLowerInvariant();
            var plus = full.IndexOf('+');
            var stem = plus > 0 ? full[..plus] : full;
            var ownTag = plus > 0 && plus < full.Length - 1 ? local[(plus + 1)..] : null;
            foreach (var (name, isStem) in new[] { (full, false), (stem, true) })
            {
                var key = $"{name}@{host}";
                var carried = isStem ? ownTag ?? tag : tag;
                var alias = _aliases.ContainsKey(key) && from != key;
                if (alias) { Expand(key, carried, ends); return; }
                if (_accounts.Contains(key)) { ends.Add(key + (carried is null ? "" : "/" + carried)); return; }
            }
            if (_aliases.ContainsKey(full + "@*")) { Expand(full + "@*", tag, ends); return; }
            if (_aliases.ContainsKey(stem + "@*")) { Expand(stem + "@*", ownTag ?? tag, ends); return; }
            for (var n = full.Length; n >= 0; n--)
                if (_aliases.ContainsKey($"{full[..n]}*@{host}")) { Expand($"{full[..n]}*@{host}", null, ends); return; }
            var rest = host;
            while (rest.Contains('.'))
            {
                rest = rest[(rest.IndexOf('.') + 1)..];
                if (_aliases.ContainsKey("*@*." + rest)) { Expand("*@*." + rest, null, ends); return; }
            }
            if (full != "postmaster" || picture.Accounts.Count == 0) return;
            var first = picture.Accounts.Find(a => picture.Domains.Single(d => d.Id == a.DomainId).Name == host) ?? picture.Accounts[0];
            ends.Add(first.LocalPart + "@" + picture.Domains.Single(d => d.Id == first.DomainId).Name);
        }

        void Expand(string key, string? tag, HashSet<string> ends)
        {
            foreach (var target in _aliases[key]) Follow(target, tag, key, ends);
        }
    }
}

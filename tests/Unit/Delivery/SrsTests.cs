using FsCheck;
using FsCheck.Fluent;
using Posthorn.Delivery.Routing;
using Posthorn.Tests.Unit.Accounts;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

public sealed class SrsTests : IAsyncLifetime
{
    readonly ManualClock _clock = new();
    TestStore _store = null!;
    Srs _srs = null!;

    public async ValueTask InitializeAsync()
    {
        _store = await TestStore.OpenAsync(_clock);
        _srs = new Srs(_store.Store, null, _clock);
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    static CancellationToken Ct => TestContext.Current.CancellationToken;
    static EmailAddress Parse(string text) => EmailAddress.TryParse(text).ShouldNotBeNull(text);
    static readonly EmailAddress Forwarder = Parse("alias@us.test");

    ValueTask<EmailAddress> Rewrite(string sender) => _srs.RewriteAsync(Parse(sender), Forwarder, Ct);

    [Fact]
    public async Task A_sender_is_rewritten_and_found_again()
    {
        var path = await Rewrite("Some.Body+tag@far.example");
        path.Domain.ShouldBe("us.test");
        path.LocalPart.ShouldMatch("^SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}=far\\.example=Some\\.Body\\+tag$");
        _srs.Reverse(path).ShouldBe(Parse("Some.Body+tag@far.example"));
        // Hosts on the way may change the case.
        _srs.Reverse(path with { LocalPart = path.LocalPart.ToLowerInvariant() }).ShouldBe(Parse("some.body+tag@far.example"));
        _srs.Reverse(path with { LocalPart = path.LocalPart.ToUpperInvariant() }).ShouldBe(Parse("some.body+tag@far.example"));
    }

    [Fact]
    public async Task What_was_altered_leads_nowhere()
    {
        foreach (var sender in new[] { "bob@far.example", "SRS0=HHHHHH=TT=orig.example=bob@fwd.example", new string('l', 60) + "@far.example" })
        {
            var path = await Rewrite(sender);
            _srs.Reverse(path).ShouldBe(Parse(sender));
            var local = path.LocalPart;
            for (var i = 0; i < local.Length; i++)
                foreach (var c in "A7x=")
                {
                    var other = local[..i] + c + local[(i + 1)..];
                    if (other.Equals(local, StringComparison.OrdinalIgnoreCase)) continue;
                    _srs.Reverse(path with { LocalPart = other }).ShouldBeNull(other);
                }
            for (var i = 0; i < local.Length; i++) _srs.Reverse(path with { LocalPart = local[..i] }).ShouldBeNull();
        }
    }

    [Theory]
    [InlineData("SRS0=")]
    [InlineData("SRS0======")]
    [InlineData("SRS0=AAAAAA=AA=far.example=")]
    [InlineData("SRS1=AAAAAA=far.example==AAAAAA=AA=x.example=bob")]
    [InlineData("SRS1=AAAAAA=")]
    [InlineData("SRS2=AAAAAA=AA=A")]
    [InlineData("SRS2=AAAAAA=AA=77777777777777777777777777")]
    [InlineData("SRS0=AAAAAA=AA=far..example=bob")]
    [InlineData("SRS0=ÄÖÜÄÖÜ=AA=far.example=bob")]
    public async Task What_was_never_ours_leads_nowhere(string local)
    {
        var path = new EmailAddress(local, "us.test");
        _srs.Reverse(path).ShouldBeNull(); // no key yet
        await Rewrite("bob@far.example");
        _srs.Reverse(path).ShouldBeNull();
    }

    [Fact]
    public async Task An_address_is_good_for_three_weeks()
    {
        var path = await Rewrite("bob@far.example");
        _clock.Advance(TimeSpan.FromDays(21));
        _srs.Reverse(path).ShouldNotBeNull();
        _clock.Advance(TimeSpan.FromDays(1));
        _srs.Reverse(path).ShouldBeNull();
        // And in years, when the day's number comes round, the key is another.
        for (var i = 0; i < 12; i++)
        {
            _clock.Advance(TimeSpan.FromDays(i == 11 ? 1024 - 22 - 11 * 85 : 85));
            await Rewrite("other@far.example");
        }
        _srs.Reverse(path).ShouldBeNull();
    }

    [Fact]
    public async Task Keys_rotate_and_two_old_ones_are_believed()
    {
        var first = await Rewrite("bob@far.example");
        (await _srs.RotateAsync(Ct)).ShouldBe(2);
        var second = await Rewrite("bob@far.example");
        second.LocalPart.ShouldNotBe(first.LocalPart);
        (await _srs.RotateAsync(Ct)).ShouldBe(3);
        _srs.Reverse(first).ShouldNotBeNull();
        (await _srs.RotateAsync(Ct)).ShouldBe(3);
        _srs.Reverse(first).ShouldBeNull();
        _srs.Reverse(second).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_key_signs_for_a_month()
    {
        await Rewrite("bob@far.example");
        _clock.Advance(TimeSpan.FromDays(29));
        await Rewrite("bob@far.example");
        _store.Store.Read(SrsKeys.Load)!.Keys.Count.ShouldBe(1);
        _clock.Advance(TimeSpan.FromDays(2));
        var path = await Rewrite("bob@far.example");
        _store.Store.Read(SrsKeys.Load)!.Keys.Count.ShouldBe(2);
        _srs.Reverse(path).ShouldNotBeNull();
    }

    [Fact]
    public async Task Another_process_on_the_store_believes_a_new_key_at_once()
    {
        await Rewrite("bob@far.example");
        var other = new Srs(_store.Store, null, _clock);
        other.Reverse(await Rewrite("bob@far.example")).ShouldNotBeNull(); // it has seen the first key
        await _srs.RotateAsync(Ct);
        other.Reverse(await Rewrite("bob@far.example")).ShouldNotBeNull();
    }

    [Fact]
    public async Task What_another_host_has_rewritten_goes_back_by_way_of_it()
    {
        var path = await Rewrite("SRS0+HHH=TT=orig.example=bob@fwd.example");
        path.LocalPart.ShouldMatch("^SRS1=[A-Z2-7]{6}=fwd\\.example=\\+HHH=TT=orig\\.example=bob$");
        _srs.Reverse(path).ShouldBe(Parse("SRS0+HHH=TT=orig.example=bob@fwd.example"));
        // A third host is left out of the way back: the first can lead back by itself.
        path = await Rewrite("SRS1=XXXX=fwd.example==HHH=TT=orig.example=bob@third.example");
        path.LocalPart.ShouldMatch("^SRS1=[A-Z2-7]{6}=fwd\\.example==HHH=TT=orig\\.example=bob$");
        _srs.Reverse(path).ShouldBe(Parse("SRS0=HHH=TT=orig.example=bob@fwd.example"));
    }

    [Theory]
    [InlineData("SRS1=SRS0=@far.example")]
    [InlineData("SRS1=x=y@far.example")]
    [InlineData("SRS1=h=-far.example==x@far.example")]
    [InlineData("SRS2=h=x@far.example")]
    public async Task What_only_looks_rewritten_is_a_sender_like_others(string sender)
    {
        var path = await Rewrite(sender);
        path.LocalPart.ShouldStartWith("SRS0=");
        _srs.Reverse(path).ShouldBe(Parse(sender));
    }

    [Theory]
    [InlineData("a.local.part.of.forty.letters.and.some.more@a.domain.example")]
    [InlineData("\"not an atom\"@far.example")]
    [InlineData("bøb@far.example")]
    [InlineData("bob@[192.0.2.1]")]
    [InlineData("SRS0=HHHHHH=TT=a.long.original.domain.example=somebody.else@a.long.forwarder.example")]
    public async Task What_does_not_fit_is_kept_under_a_number(string sender)
    {
        var path = await Rewrite(sender);
        path.LocalPart.ShouldMatch("^SRS2=[A-Z2-7]{6}=[A-Z2-7]{2}=[A-Z2-7]+$");
        EmailAddress.TryParse(path.ToString()).ShouldBe(path);
        _srs.Reverse(path).ShouldBe(Parse(sender));
        (await Rewrite(sender)).ShouldBe(path);
        _clock.Advance(TimeSpan.FromDays(23));
        await _srs.RotateAsync(Ct);
        _store.Store.Read(u => u.ReversePaths.Find(1)).ShouldBeNull(); // forgotten with the stamp
    }

    [Fact]
    public async Task The_configured_domain_stands_for_all()
    {
        var srs = new Srs(_store.Store, "Bounce.Us.test", _clock);
        (await srs.RewriteAsync(Parse("bob@far.example"), Forwarder, Ct)).Domain.ShouldBe("bounce.us.test");
    }

    [Fact]
    public async Task Any_sender_comes_back_and_fits()
    {
        await Rewrite("bob@far.example");
        var key = _store.Store.Read(SrsKeys.Load)!.Keys[0].Octets;
        var now = _clock.GetUtcNow();
        Prop.ForAll(
            (from parts in Gen.Elements("a", "Z", "=", "+", "-", ".", "SRS0=", "SRS1=", "srs2-", "==", "é", " ", "0123456789").ListOf(6)
             from domain in Gen.Elements("far.example", "a-long-name-of-a-domain.example", "[192.0.2.1]")
             where parts.Count > 0
             select (string.Concat(parts), domain)).ToArbitrary(),
            s =>
            {
                if (EmailAddress.TryParse(new EmailAddress(s.Item1, s.domain).ToString()) is not { } sender) return true;
                if (SrsText.Make(sender, "us.test", key, now) is not { } path) return true; // kept under a number
                if (EmailAddress.TryParse(path.ToString()) is not { } read || !read.Equals(path)) return false;
                if (_srs.Reverse(read) is not { } back) return false;
                return back.LocalPart == sender.LocalPart && back.Domain == sender.Domain || path.LocalPart.StartsWith("SRS1=", StringComparison.Ordinal);
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }
}

using System.Net;
using Posthorn.Accounts.Credentials;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class LoginThrottleTests
{
    readonly ManualClock _clock = new();
    readonly LoginThrottle _throttle;
    int _names;

    public LoginThrottleTests() => _throttle = Make(new());

    LoginThrottle Make(LoginLimits limits) => new(_clock, limits, ip => IPAddress.IsLoopback(ip));

    /// <summary>A failed login; each to another account unless one is named. False when it was refused.</summary>
    bool Fail(string ip, string? account = null) => Fail(ip, account, out _);

    bool Fail(string ip, string? account, out TimeSpan delay)
    {
        var attempt = _throttle.Begin(IPAddress.Parse(ip), account ?? $"u{_names++}@x");
        delay = _throttle.Failed(attempt);
        return !attempt.Refused;
    }

    void Succeed(string ip, string account)
    {
        var attempt = _throttle.Begin(IPAddress.Parse(ip), account);
        attempt.Refused.ShouldBeFalse();
        _throttle.Succeeded(attempt);
    }

    /// <summary>How many failures pass before the first is refused.</summary>
    int Passes(Func<int, string> ip, int most = 1000)
    {
        for (var i = 0; i < most; i++)
            if (!Fail(ip(i))) return i;
        return most;
    }

    [Fact]
    public void Ten_a_minute_from_one_address()
    {
        Passes(_ => "192.0.2.1").ShouldBe(10);
        Fail("192.0.2.2").ShouldBeTrue();
        _clock.Advance(TimeSpan.FromMinutes(2));
        Fail("192.0.2.1").ShouldBeTrue();
    }

    [Fact]
    public void Fifty_a_day_from_one_address()
    {
        var passed = 0;
        for (var hour = 0; hour < 12; hour++, _clock.Advance(TimeSpan.FromHours(1)))
            for (var i = 0; i < 8; i++)
                if (Fail("192.0.2.1")) passed++;
        passed.ShouldBe(50);
        _clock.Advance(TimeSpan.FromDays(2));
        Fail("192.0.2.1").ShouldBeTrue();
    }

    [Fact]
    public void Thirty_a_minute_from_one_network_of_26_bits() => Passes(i => $"192.0.2.{i % 60}").ShouldBe(30);

    [Fact]
    public void Ninety_a_minute_from_one_network_of_21_bits() => Passes(i => $"10.0.{i % 8}.{i % 250}").ShouldBe(90);

    [Fact]
    public void Version_6_counts_by_64_48_and_32_bits()
    {
        Passes(i => $"2001:db8:1:1::{i:x}").ShouldBe(10);
        Passes(i => $"2001:db9:1:{i:x}::1").ShouldBe(30);
        Passes(i => $"2001:dba:{i:x}::1").ShouldBe(90);
    }

    [Fact]
    public void A_mapped_address_is_the_same_client()
    {
        Passes(_ => "192.0.2.1").ShouldBe(10);
        Fail("::ffff:192.0.2.1").ShouldBeFalse();
    }

    [Fact]
    public void The_answer_to_a_failure_is_delayed_and_the_delay_grows_after_three()
    {
        var delays = new List<double>();
        for (var i = 0; i < 9; i++)
        {
            Fail("192.0.2.1", "bob@x", out var delay);
            delays.Add(delay.TotalSeconds);
        }
        delays.ShouldBe([1, 1, 1, 2, 4, 8, 16, 16, 16]);
        Succeed("192.0.2.1", "bob@x");
        Fail("192.0.2.1", "alice@x", out var after);
        after.TotalSeconds.ShouldBe(1);
    }

    [Fact]
    public void Past_twenty_an_hour_an_account_is_delayed_never_locked()
    {
        for (var i = 0; i < 20; i++) Fail($"10.{i}.0.1", "bob@x").ShouldBeTrue();
        for (var i = 1; i <= 40; i++)
        {
            var attempt = _throttle.Begin(IPAddress.Parse($"11.{i}.0.1"), "bob@x");
            attempt.Refused.ShouldBeFalse();
            attempt.Delay.TotalSeconds.ShouldBe(Math.Min(i, 30));
        }
        _throttle.Begin(IPAddress.Parse("12.0.0.1"), "alice@x").Delay.ShouldBe(TimeSpan.Zero);
        _clock.Advance(TimeSpan.FromHours(2));
        _throttle.Begin(IPAddress.Parse("12.0.0.1"), "bob@x").Delay.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void Success_takes_back_its_own_failures_only()
    {
        for (var i = 0; i < 4; i++) Fail("192.0.2.1", "bob@x");
        for (var i = 0; i < 5; i++) Fail("192.0.2.1", "alice@x");
        Succeed("192.0.2.1", "bob@x");
        Passes(_ => "192.0.2.1").ShouldBe(5); // alice's five still count: a thief with an account of his own gains nothing
    }

    [Fact]
    public void Who_has_logged_in_from_here_is_not_held_up_by_others()
    {
        Succeed("192.0.2.1", "bob@x");
        Passes(_ => "192.0.2.1").ShouldBe(10);
        for (var i = 0; i < 30; i++) Fail($"10.{i}.0.1", "bob@x");
        var attempt = _throttle.Begin(IPAddress.Parse("192.0.2.1"), "bob@x");
        attempt.Refused.ShouldBeFalse();
        attempt.Delay.ShouldBe(TimeSpan.Zero);
        _throttle.Begin(IPAddress.Parse("192.0.2.1"), "alice@x").Refused.ShouldBeTrue();
    }

    [Fact]
    public void But_a_known_pair_that_keeps_failing_is_a_stranger_again()
    {
        Succeed("192.0.2.1", "bob@x");
        var passed = 0;
        for (var i = 0; i < 50; i++)
            if (Fail("192.0.2.1", "bob@x")) passed++;
        passed.ShouldBe(20); // ten as known, ten as any other
    }

    [Fact]
    public void Guesses_begun_at_once_count_before_they_end()
    {
        var open = Enumerable.Range(0, 100).Select(_ => _throttle.Begin(IPAddress.Parse("192.0.2.1"), "bob@x")).ToList();
        open.Count(a => !a.Refused).ShouldBe(10);
        foreach (var attempt in open) _throttle.Dropped(attempt); // our fault: taken back
        Passes(_ => "192.0.2.1").ShouldBe(10);
    }

    [Fact]
    public void Exempt_networks_are_not_counted() => Passes(_ => "127.0.0.1", 100).ShouldBe(100);

    [Fact]
    public void Memory_is_bounded()
    {
        var throttle = Make(new() { Counters = 1000 });
        for (var i = 0; i < 20_000; i++)
            throttle.Failed(throttle.Begin(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]), $"u{i}"));
        throttle.Held.ShouldBeLessThanOrEqualTo(1001);
    }
}

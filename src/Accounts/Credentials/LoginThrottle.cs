using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Posthorn.Accounts.Credentials;

/// <summary>How many failed logins are borne.</summary>
public sealed record LoginLimits
{
    /// <summary>Failures of one client (v4 address, v6 /64) in a minute.</summary>
    public int PerMinute { get; init; } = 10;

    /// <summary>Failures of one client in a day.</summary>
    public int PerDay { get; init; } = 50;

    /// <summary>The same for its network (/26, /48), as a multiple.</summary>
    public int NetworkFactor { get; init; } = 3;

    /// <summary>The same for its wide network (/21, /32), as a multiple.</summary>
    public int WideFactor { get; init; } = 9;

    /// <summary>Failures of one account in an hour, from wherever; past it logins are delayed, never locked out.</summary>
    public int PerAccountHour { get; init; } = 20;

    /// <summary>The delay of the answer to a failure.</summary>
    public TimeSpan FailureDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Failures in a row that get that delay; it doubles with each one after.</summary>
    public int FailuresBeforeGrowth { get; init; } = 3;

    /// <summary>The longest delay of the answer to a failure.</summary>
    public TimeSpan LongestFailureDelay { get; init; } = TimeSpan.FromSeconds(16);

    /// <summary>The longest delay before a login to an account under attack.</summary>
    public TimeSpan LongestAccountDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many counters are kept; the least used are forgotten first.</summary>
    public int Counters { get; init; } = 200_000;
}

/// <summary>One login in the eyes of the throttle.</summary>
/// <param name="Refused">True when it must be turned away without looking at the password.</param>
/// <param name="Delay">What to wait before looking at the password.</param>
readonly record struct LoginAttempt(bool Refused, TimeSpan Delay, bool Exempt, bool KnownGood, IPAddress Remote, string Account);

/// <summary>
/// Counts failed logins per client, network and account (docs/login.md). An attempt is counted as a failure when it begins
/// and taken back when it succeeds, so that a thousand at once are not a thousand free guesses. A client that has logged in
/// to this account within 30 days is judged by itself alone, until it has failed ten times in a row. Thread-safe.
/// </summary>
sealed class LoginThrottle(TimeProvider time, LoginLimits limits, Func<IPAddress, bool> exempt)
{
    static readonly TimeSpan Minute = TimeSpan.FromMinutes(1), Hour = TimeSpan.FromHours(1), Day = TimeSpan.FromDays(1);
    static readonly TimeSpan GoodFor = TimeSpan.FromDays(30), StreakFor = TimeSpan.FromMinutes(15);
    const int GoodFailures = 10;
    const int GoodPairs = 50_000;

    enum Kind : byte { Client, Network, Wide, Account, Pair }

    readonly record struct Key(Kind Kind, UInt128 A, UInt128 B);

    /// <summary>A sliding window as two neighbouring fixed ones; the older counts by the share of it that is still inside.</summary>
    struct Window
    {
        long _index;
        int _now, _before;

        public double Count(TimeSpan at, TimeSpan length)
        {
            Turn(at, length);
            return _now + _before * (1 - (double)(at.Ticks % length.Ticks) / length.Ticks);
        }

        public void Add(TimeSpan at, TimeSpan length, int n)
        {
            Turn(at, length);
            _now += n;
            if (_now >= 0) return;
            _before = Math.Max(0, _before + _now);
            _now = 0;
        }

        void Turn(TimeSpan at, TimeSpan length)
        {
            var index = at.Ticks / length.Ticks;
            if (index == _index) return;
            _before = index == _index + 1 ? _now : 0;
            _now = 0;
            _index = index;
        }
    }

    sealed class Counter
    {
        public Window Short, Long;
        public int Streak;
        public TimeSpan LastFailure;
    }

    /// <summary>A pair of client and account that has logged in.</summary>
    sealed class Good
    {
        public TimeSpan At;
        public int Failures;
    }

    readonly Lock _lock = new();
    readonly Generations<Key, Counter> _counters = new(limits.Counters);
    readonly Generations<Key, Good> _good = new(GoodPairs);
    readonly long _start = time.GetTimestamp();

    /// <summary>How many counters are held now.</summary>
    public int Held { get { lock (_lock) return _counters.Count; } }

    TimeSpan Clock => time.GetElapsedTime(_start);

    public LoginAttempt Begin(IPAddress remote, string account)
    {
        if (remote.IsIPv4MappedToIPv6) remote = remote.MapToIPv4();
        if (exempt(remote)) return new(false, TimeSpan.Zero, Exempt: true, false, remote, account);
        var (client, network, wide, name, pair) = Keys(remote, account);
        lock (_lock)
        {
            var now = Clock;
            if (_good.TryGet(pair, out var good) && now - good.At < GoodFor && good.Failures < GoodFailures)
            {
                good.Failures++;
                return new(false, TimeSpan.Zero, false, KnownGood: true, remote, account);
            }
            if (Full(client, 1, now) || Full(network, limits.NetworkFactor, now) || Full(wide, limits.WideFactor, now))
                return new(true, limits.FailureDelay, false, false, remote, account);
            var over = At(name).Short.Count(now, Hour) - limits.PerAccountHour;
            Count(client, network, wide, name, pair, now, 1);
            var delay = over < 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(Math.Floor(over) + 1, limits.LongestAccountDelay.TotalSeconds));
            return new(false, delay, false, false, remote, account);
        }
    }

    /// <summary>The login was good: its own failures of before are forgotten, those of others from the same client are not.</summary>
    public void Succeeded(in LoginAttempt attempt)
    {
        if (attempt.Exempt || attempt.Refused) return;
        var (client, network, wide, name, pair) = Keys(attempt.Remote, attempt.Account);
        lock (_lock)
        {
            var now = Clock;
            if (!attempt.KnownGood)
            {
                var own = (int)Math.Ceiling(At(pair).Long.Count(now, Day));
                Count(client, network, wide, name, pair, now, -Math.Max(1, own));
                At(client).Streak = 0;
                _counters.Remove(pair);
            }
            _good.Set(pair, new Good { At = now });
        }
    }

    /// <summary>The login was not good; what to wait before saying so.</summary>
    public TimeSpan Failed(in LoginAttempt attempt)
    {
        if (attempt.Exempt) return TimeSpan.Zero;
        if (attempt.Refused) return attempt.Delay;
        var (client, _, _, _, pair) = Keys(attempt.Remote, attempt.Account);
        lock (_lock)
        {
            var now = Clock;
            var counter = At(attempt.KnownGood ? pair : client);
            counter.Streak = now - counter.LastFailure > StreakFor ? 1 : counter.Streak + 1;
            counter.LastFailure = now;
            var growth = Math.Clamp(counter.Streak - limits.FailuresBeforeGrowth, 0, 20);
            return TimeSpan.FromTicks(Math.Min(limits.FailureDelay.Ticks << growth, limits.LongestFailureDelay.Ticks));
        }
    }

    /// <summary>It came to no decision, by our fault: as if it had not been.</summary>
    public void Dropped(in LoginAttempt attempt)
    {
        if (attempt.Exempt || attempt.Refused) return;
        var (client, network, wide, name, pair) = Keys(attempt.Remote, attempt.Account);
        lock (_lock)
        {
            if (!attempt.KnownGood) Count(client, network, wide, name, pair, Clock, -1);
            else if (_good.TryGet(pair, out var good)) good.Failures = Math.Max(0, good.Failures - 1);
        }
    }

    bool Full(Key key, int factor, TimeSpan now)
    {
        var counter = At(key);
        return counter.Short.Count(now, Minute) >= limits.PerMinute * factor || counter.Long.Count(now, Day) >= limits.PerDay * factor;
    }

    void Count(Key client, Key network, Key wide, Key name, Key pair, TimeSpan now, int n)
    {
        foreach (var key in (ReadOnlySpan<Key>)[client, network, wide])
        {
            var counter = At(key);
            counter.Short.Add(now, Minute, n);
            counter.Long.Add(now, Day, n);
        }
        At(name).Short.Add(now, Hour, n);
        At(pair).Long.Add(now, Day, n);
    }

    Counter At(Key key)
    {
        if (_counters.TryGet(key, out var counter)) return counter;
        counter = new Counter();
        _counters.Set(key, counter);
        return counter;
    }

    static (Key Client, Key Network, Key Wide, Key Account, Key Pair) Keys(IPAddress remote, string account)
    {
        Span<byte> octets = stackalloc byte[16];
        octets.Clear();
        remote.TryWriteBytes(octets, out _);
        var address = BinaryPrimitives.ReadUInt128BigEndian(octets);
        var v4 = remote.AddressFamily == AddressFamily.InterNetwork;
        UInt128 Net(int bits) => address >> (128 - bits) << (128 - bits);
        // The family keeps 1.2.3.4 and 102:304:: apart; the name is hashed so that a long one costs no more memory.
        var family = v4 ? UInt128.One : UInt128.Zero;
        var client = Net(v4 ? 32 : 64);
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(account), hash);
        var name = BinaryPrimitives.ReadUInt128BigEndian(hash);
        return (new(Kind.Client, client, family), new(Kind.Network, Net(v4 ? 26 : 48), family), new(Kind.Wide, Net(v4 ? 21 : 32), family),
            new(Kind.Account, name, 0), new(Kind.Pair, client ^ family, name));
    }
}

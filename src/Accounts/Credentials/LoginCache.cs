using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Posthorn.Accounts.Addresses;

namespace Posthorn.Accounts.Credentials;

/// <summary>
/// Remembers successful password checks for a while, so that a client that logs in every minute does not cost a hash each
/// time. The key is an HMAC, under a key of this process, over account, stamp of its credentials, mechanism and password:
/// one login can never answer for another (threat row "Auth cache mix-up"), and any change of the account misses.
/// </summary>
sealed class LoginCache(TimeProvider time)
{
    /// <summary>How long a success counts.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(15);

    const int Capacity = 20_000;

    readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    readonly Generations<UInt128, long> _successes = new(Capacity);
    readonly Lock _lock = new();

    public bool Contains(AccountEntry account, string mechanism, ReadOnlySpan<byte> password)
    {
        var key = Key(account, mechanism, password);
        lock (_lock)
        {
            if (!_successes.TryGet(key, out var at)) return false;
            if (time.GetElapsedTime(at) < Life) return true;
            _successes.Remove(key);
            return false;
        }
    }

    public void Add(AccountEntry account, string mechanism, ReadOnlySpan<byte> password)
    {
        var key = Key(account, mechanism, password);
        lock (_lock) _successes.Set(key, time.GetTimestamp());
    }

    UInt128 Key(AccountEntry account, string mechanism, ReadOnlySpan<byte> password)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(number, account.Row.Id);
        mac.AppendData(number);
        mac.AppendData(account.CredentialStamp); // always 32 octets
        BinaryPrimitives.WriteInt64BigEndian(number, mechanism.Length);
        mac.AppendData(number);
        mac.AppendData(Encoding.ASCII.GetBytes(mechanism));
        mac.AppendData(password);
        Span<byte> hash = stackalloc byte[32];
        mac.GetHashAndReset(hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }
}

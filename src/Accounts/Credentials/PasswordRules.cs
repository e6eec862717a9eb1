using System.Text;

namespace Posthorn.Accounts.Credentials;

/// <summary>What a password set by people must be: length, and not one that is guessed first.</summary>
static class PasswordRules
{
    public const int MinLength = 12;

    /// <summary>Octets in UTF-8; the limit of crypt(3) and a bound on the work.</summary>
    public const int MaxOctets = 500;

    // Long enough to pass the length rule, and still at the head of every list.
    static readonly HashSet<string> Common = new(StringComparer.OrdinalIgnoreCase)
    {
        "passwordpassword", "password1234", "password12345", "password123456", "password2023", "password2024", "password2025",
        "password2026", "1q2w3e4r5t6y", "1qaz2wsx3edc", "1qaz2wsx3edc4rfv", "qwertyuiop12", "qwertyuiop123", "qwertyuiopasdf",
        "qwertyuiopasdfghjkl", "qwerty123456", "qwerty12345678", "asdfghjkl123", "zaq12wsxcde3", "letmeinletmein",
        "iloveyou1234", "iloveyouforever", "welcome12345", "welcome123456", "administrator", "administrator1", "admin1234567",
        "adminadminadmin", "changemechangeme", "changeme1234", "correcthorsebatterystaple", "correct horse battery staple",
        "trustno1trustno1", "sunshine1234", "football1234", "baseball1234", "princess1234", "superman1234", "passw0rd1234",
        "p@ssw0rd1234", "p@ssword1234", "secretsecret", "secret123456", "computer1234", "internet1234", "mailservermail",
        "abc123abc123", "abcd1234abcd", "abcd12345678", "testtesttest", "test12345678", "unknown12345", "rootrootroot", "toortoortoor",
    };

    /// <summary>Why the password is refused, in words; null when it will do.</summary>
    public static string? Refusal(string password, string address)
    {
        if (password.EnumerateRunes().Count() < MinLength) return $"the password is too short: at least {MinLength} characters are needed";
        if (Encoding.UTF8.GetByteCount(password) > MaxOctets) return $"the password is too long: at most {MaxOctets} octets are possible";
        foreach (var c in password)
            if (char.IsControl(c)) return "the password holds a control character, which most clients cannot send";
        if (Common.Contains(password) || IsRun(password)) return "the password is among those that are guessed first";
        if (password.Equals(address, StringComparison.OrdinalIgnoreCase)) return "the password is the address itself";
        return null;
    }

    // "aaaaaaaaaaaa", "123412341234", "abcdefghijkl", "210987654321"
    static bool IsRun(string password)
    {
        for (var period = 1; period <= 4; period++)
        {
            var repeats = true;
            for (var i = period; i < password.Length && repeats; i++) repeats = password[i] == password[i - period];
            if (repeats) return true;
        }
        return Steps(password, 1) || Steps(password, -1);
    }

    static bool Steps(string password, int step)
    {
        for (var i = 1; i < password.Length; i++)
        {
            var wraps = char.IsAsciiDigit(password[i]) && char.IsAsciiDigit(password[i - 1]);
            var next = wraps ? (char)('0' + (password[i - 1] - '0' + step + 10) % 10) : (char)(password[i - 1] + step);
            if (password[i] != next) return false;
        }
        return true;
    }
}

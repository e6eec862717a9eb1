namespace Posthorn.Cli;

/// <summary>The exit codes of sysexits.h that this program uses.</summary>
static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The command was written wrongly.</summary>
    public const int Usage = 64;

    /// <summary>What was given is wrong in itself or does not fit what is there.</summary>
    public const int DataError = 65;

    /// <summary>A file to read is not there.</summary>
    public const int NoInput = 66;

    /// <summary>The named account, alias or domain is not there.</summary>
    public const int NoUser = 67;

    /// <summary>The DNS has no such name, or no such record of it.</summary>
    public const int NoHost = 68;

    /// <summary>The service needed is not there.</summary>
    public const int Unavailable = 69;

    /// <summary>A fault of this program.</summary>
    public const int Software = 70;

    /// <summary>The operating system refused something.</summary>
    public const int OsError = 71;

    public const int CannotCreate = 73;

    /// <summary>Reading or writing failed; nothing that followed can be trusted.</summary>
    public const int IoError = 74;

    /// <summary>Try again later.</summary>
    public const int TemporaryFailure = 75;

    public const int NoPermission = 77;

    /// <summary>The configuration is wrong.</summary>
    public const int Configuration = 78;
}

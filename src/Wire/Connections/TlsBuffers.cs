using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Posthorn.Wire.Connections;

/// <summary>
/// Lets OpenSSL give back the two buffers of a connection, 17 kB each, whenever they are empty: most connections of a mail
/// server are silent most of the time. The runtime has no setting for it, so OpenSSL is asked to tell of each new context.
/// </summary>
public static partial class TlsBuffers
{
    const string Ssl = "libssl.so.3", Crypto = "libcrypto.so.3";

    // openssl/crypto.h, openssl/ssl.h: part of the ABI of OpenSSL 1.1 and 3.
    const int ContextIndex = 1, ControlMode = 33;
    const nint ReleaseBuffers = 0x10;

    /// <summary>
    /// To be called once, before the first TLS connection; connections of contexts from before keep their buffers. Returns
    /// false where the TLS library is another one, and nothing has changed.
    /// </summary>
    public static unsafe bool ReleaseWhenIdle()
    {
        // The runtime sets the library up, in its own way, before anything else of it is called.
        if (!OperatingSystem.IsLinux() || SafeEvpPKeyHandle.OpenSslVersion < 0x30000000) return false;
        try { return CRYPTO_get_ex_new_index(ContextIndex, 0, 0, &OnContext, null, null) >= 0; }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException) { return false; }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static unsafe void OnContext(nint context, nint value, nint data, int index, nint number, nint argument) => SSL_CTX_ctrl(context, ControlMode, ReleaseBuffers, 0);

    [LibraryImport(Crypto)]
    private static unsafe partial int CRYPTO_get_ex_new_index(int kind, nint number, nint argument,
        delegate* unmanaged[Cdecl]<nint, nint, nint, int, nint, nint, void> made, void* copied, void* freed);

    [LibraryImport(Ssl)]
    private static partial nint SSL_CTX_ctrl(nint context, int command, nint number, nint argument);
}

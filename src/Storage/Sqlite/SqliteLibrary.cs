using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Posthorn.Storage.Sqlite;

/// <summary>
/// Chooses the SQLite library once: the system's where it is newer than the bundled 3.35.5 (it gets security fixes), else the
/// bundled one.
/// </summary>
static unsafe class SqliteLibrary
{
    const int Bundled = 3035005;
    static readonly Lock Gate = new();
    static bool _ready;

    internal static void Load()
    {
        lock (Gate)
        {
            if (_ready)
                return;
            var provider = typeof(SQLite3Provider_e_sqlite3).Assembly;
            NativeLibrary.SetDllImportResolver(provider, Resolve);
            raw.SetProvider(new SQLite3Provider_e_sqlite3());
            _ready = true;
        }
    }

    static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != "e_sqlite3" || !NativeLibrary.TryLoad("libsqlite3.so.0", out var system))
            return 0;
        if (NativeLibrary.TryGetExport(system, "sqlite3_libversion_number", out var version)
            && ((delegate* unmanaged[Cdecl]<int>)version)() > Bundled)
            return system;
        NativeLibrary.Free(system);
        return 0;
    }
}

namespace Posthorn.Storage;

/// <summary>The store refuses: nothing was changed. The message is for the administrator.</summary>
public class StoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Another process has the store open.</summary>
public sealed class StoreInUseException(string message) : StoreException(message);

/// <summary>The disk is full: temporary; the unit that met it was rolled back whole.</summary>
public sealed class StoreFullException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>
/// A sync or write failed, so nothing can be trusted any more: every later call fails with this, the process must end
/// (exit code 74) and open the store anew.
/// </summary>
public sealed class StorePoisonedException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>A stored thing is not what was stored (hash, length, decoding). Names the thing; never served.</summary>
public sealed class StoreDamageException(string what) : StoreException("damaged: " + what);

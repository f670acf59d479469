namespace WolfScale.MariaDb;

/// <summary>This server takes no part in the verification, or not any more: nothing more can be asked of it. That a table cannot be read is a <see cref="DatabaseException"/>.</summary>
public sealed class NotTakingPartException(string message, Exception? innerException = null) : Exception(message, innerException);

namespace MessageDelivery.Load;

/// <summary>Why nothing was measured, in one line for whoever started it.</summary>
internal sealed class LoadException(string message) : Exception(message);

namespace MessageDelivery.Hub.Outside;

/// <summary>
/// Every kind of call that the hub makes into code it was given. A test demands for each a trial and a row in
/// docs/operations.md, and looks for calls that go past the types of this folder.
/// </summary>
internal enum OutsideCall
{
    /// <summary><c>ILogger.Log</c>.</summary>
    Log,

    /// <summary><c>ILogger.IsEnabled</c>.</summary>
    LogIsEnabled,

    /// <summary><see cref="IHubAudit.Record"/>.</summary>
    AuditRecord,

    /// <summary><see cref="Access.IAuthenticator.AuthenticateAsync"/>.</summary>
    Authenticate,

    /// <summary><see cref="Access.IAuthenticator.MayStay"/>.</summary>
    MayStay,

    /// <summary><c>TimeProvider.GetTimestamp</c> and <c>GetUtcNow</c>.</summary>
    ReadClock,

    /// <summary><c>TimeProvider.CreateTimer</c>, and the timer's <c>Change</c> and <c>Dispose</c>.</summary>
    ClockTimer,

    /// <summary><c>IMeterFactory.Create</c>, and the listeners that are told of its instruments.</summary>
    CreateMeter,

    /// <summary>The listeners that are told that the instruments end.</summary>
    EndMeter,

    /// <summary><c>ILoggerFactory.CreateLogger</c>.</summary>
    CreateLogger,

    /// <summary><c>IHostApplicationLifetime.StopApplication</c>, by a hub that has failed inside a host.</summary>
    StopApplication,
}

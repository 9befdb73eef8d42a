namespace MessageDelivery.Cli;

/// <summary>What the command tells its caller. <c>mds --help</c> and docs/operations.md list these.</summary>
internal enum ExitCode
{
    /// <summary>Done.</summary>
    Ok = 0,

    /// <summary>
    /// A relay did not reach all of its receivers, and the receipt says whom; or a benchmark found messages missing, out of order
    /// or changed; or an attack on a hub was suspect.
    /// </summary>
    NotDelivered = 1,

    /// <summary>The doctor has found something that does not work, or that lets strangers in.</summary>
    CheckFailed = NotDelivered,

    /// <summary>The command line, an environment variable or the configuration file is wrong.</summary>
    Usage = 2,

    /// <summary>The hub cannot be reached, or the connection to it was lost.</summary>
    ConnectionFailed = 3,

    /// <summary>The hub answered with an error, or would not have this client.</summary>
    Refused = 4,

    /// <summary>An address cannot be listened on.</summary>
    CannotListen = 5,

    /// <summary>A file, standard input or standard output cannot be read or written.</summary>
    InputOutput = 6,

    /// <summary>A defect in the program.</summary>
    Defect = 70,

    /// <summary>Ctrl-C or SIGTERM came before a client verb was done.</summary>
    Interrupted = 130,
}

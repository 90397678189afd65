package portcullis;

import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.Node;

/** The node of 6.8 is abstract in one method, which its launcher fills in. */
public class Node68 extends Node {
    public Node68(Environment environment) {
        super(environment);
    }

    @Override
    protected void registerDerivedNodeNameWithLogger(String name) {
        LogConfigurator.setNodeName(name);
    }
}

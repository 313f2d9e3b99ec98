import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import org.javarosa.core.model.CoreModelModule;
import org.javarosa.core.model.FormDef;
import org.javarosa.core.model.condition.EvaluationContext;
import org.javarosa.core.model.instance.InstanceInitializationFactory;
import org.javarosa.core.model.instance.TreeReference;
import org.javarosa.core.services.PrototypeManager;
import org.javarosa.core.util.JavaRosaCoreModule;
import org.javarosa.model.xform.XFormsModule;
import org.javarosa.xform.util.XFormUtils;
import org.javarosa.xpath.XPathNodeset;
import org.javarosa.xpath.XPathParseTool;

/**
 * JavaRosa, the engine inside ODK Collect, as an oracle for expressions.
 *
 * Usage: java -cp ODK_Validate.jar JavaRosaOracle.java FORM.xml, with lines "context path TAB expression" on standard
 * input; answers each with a line "num:", "str:", "bool:", "date:" (milliseconds), "nodes:" (number and values) or
 * "error:".
 */
public class JavaRosaOracle {
    static TreeReference reference(String path) {
        TreeReference reference = TreeReference.rootRef();
        for (String part : path.substring(1).split("/")) {
            int bracket = part.indexOf('[');
            int place = bracket < 0 ? 0 : Integer.parseInt(part.substring(bracket + 1, part.length() - 1)) - 1;
            reference.add(bracket < 0 ? part : part.substring(0, bracket), place);
        }
        return reference;
    }

    static String show(Object value) {
        if (value instanceof XPathNodeset) {
            XPathNodeset nodes = (XPathNodeset) value;
            if (nodes.size() == 1) {
                return show(nodes.unpack());
            }
            StringBuilder shown = new StringBuilder("nodes:" + nodes.size());
            for (Object node : nodes.toArgList()) {
                shown.append("|").append(show(node));
            }
            return shown.toString();
        }
        if (value instanceof Date) {
            return "date:" + ((Date) value).getTime();
        }
        if (value instanceof Double) {
            return "num:" + value;
        }
        return (value instanceof Boolean ? "bool:" : "str:") + value;
    }

    static String evaluate(FormDef form, String context, String expression) {
        try {
            EvaluationContext where =
                new EvaluationContext(form.getEvaluationContext(), form.getFormInstances(), reference(context));
            return show(XPathParseTool.parseXPath(expression).eval(form.getMainInstance(), where));
        } catch (Throwable error) {
            return "error:" + error.getClass().getSimpleName();
        }
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        PrototypeManager.registerPrototypes(JavaRosaCoreModule.classNames);
        PrototypeManager.registerPrototypes(CoreModelModule.classNames);
        new XFormsModule().registerModule();
        FormDef form = XFormUtils.getFormFromFormXml(arguments[0], null);
        form.initialize(true, new InstanceInitializationFactory());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line;
        while ((line = in.readLine()) != null) {
            String[] parts = line.split("\t", 2);
            out.println(evaluate(form, parts[0], parts[1]));
        }
    }
}
